#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draw what a command prints on a terminal as SVG.

    make_picture.py OUT.svg COLUMNS LINES COMMAND...

The command runs on a pseudo-terminal, so it prints what a user sees, colours included; at most LINES lines are drawn.
The picture of the README: docs/images/make_picture.py docs/images/analyze.svg 100 34 picoanalyze analyze --config_path
examples/configs/demo.yaml --run_path examples/data/pico-decoder-nano-1
"""
import html
import os
import pty
import re
import subprocess
import sys
import termios
import struct
import fcntl

COLOURS = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#c9d1d9"]
CHAR, LINE, MARGIN = 8.43, 19, 16


def printed_on_a_terminal(command, columns):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        text += more
    if process.wait() != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return text.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def spans(line):
    """(text, style) pieces of a line with SGR sequences."""
    style = {}
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        sequence = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if not sequence:
            if piece:
                yield piece, dict(style)
            continue
        for code in (int(c or 0) for c in sequence[1].split(";")):
            if code == 0:
                style.clear()
            elif code == 1:
                style["font-weight"] = "bold"
            elif code == 2:
                style["fill-opacity"] = "0.6"
            elif 30 <= code <= 37 or 90 <= code <= 97:
                style["fill"] = COLOURS[code % 10]
            elif code == 39:
                style.pop("fill", None)
            elif code == 22:
                style.pop("font-weight", None)
                style.pop("fill-opacity", None)


def svg(lines, title):
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    width = round(2 * MARGIN + CHAR * max(map(len, plain)))
    height = 2 * MARGIN + LINE * len(lines)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="14" fill="#c9d1d9" '
        'xml:space="preserve">',
    ]
    for row, line in enumerate(lines):
        column, pieces = 0, []
        for text, style in spans(line):
            attributes = "".join(f' {k}="{v}"' for k, v in style.items())
            x, length = MARGIN + CHAR * column, CHAR * len(text)
            if text.strip():
                pieces.append(f'<tspan x="{x:.1f}" textLength="{length:.1f}"{attributes}>{html.escape(text)}</tspan>')
            column += len(text)
        if pieces:
            out.append(f'<text y="{MARGIN + LINE * (row + 0.75):.1f}">{"".join(pieces)}</text>')
    return "\n".join(out + ["</g>", "</svg>", ""])


if __name__ == "__main__":
    target, columns, limit, command = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    shown = printed_on_a_terminal(command, columns)
    if len(shown) > limit:
        shown = shown[: limit - 1] + ["..."]
    prompt = "$ " + " ".join([os.path.basename(command[0])] + command[1:])
    with open(target, "w", encoding="utf-8") as f:
        f.write(svg([prompt, ""] + shown, prompt))
