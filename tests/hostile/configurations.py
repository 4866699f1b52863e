# SPDX-License-Identifier: Apache-2.0
"""YAML that is a bomb, or not what a configuration may be."""

GOOD = """analysis_name: x
steps:
  start: 0
  end: 1
  step: 1
metrics:
- metric_name: norm
  data_split: val
  norm_type: frobenius
  components:
  - component_name: simple
    data_type: weights
    layer_suffixes: swiglu.w_2
    layers: [0]
monitoring:
  output_dir: out
  save_to_wandb: false
"""


def cases():
    lol = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        "%s: &%s [%s]\n" % (b, b, ", ".join(["*" + a] * 9)) for a, b in zip("abcdefgh", "bcdefghi"))
    yield "honest", GOOD.encode(), "OK", ""
    said = {
        "laughs": (lol, "CONFIG", "anchors"), "alias": ("a: *x\n", "CONFIG", "aliases"), "anchor": ("a: &x 1\n", "CONFIG", "anchors"),
        "merge": ("<<: {a: 1}\n", "CONFIG", "merge"), "cycle": ("&a [*a]\n", "CONFIG", "anchors"),
        "python": ("a: !!python/object/apply:os.system [id]\n", "CONFIG", "tags"),
        "python_name": ("a: !!python/name:os.system x\n", "CONFIG", "tags"), "tag": ("a: !mine x\n", "CONFIG", "tags"),
        "binary": ("a: !!binary aGVsbG8=\n", "CONFIG", "tags"), "set": ("a: !!set {x}\n", "CONFIG", "tags"),
        "int_tag": ("a: !!int x\n", "CONFIG", "tags"), "map_tag": ("a: !!map x\n", "CONFIG", "tags"),
        "depth_sequence": ("[" * 65 + "]" * 65, "LIMIT", "nested"), "depth_mapping": ("{a: " * 65 + "1" + "}" * 65, "LIMIT", "nested"),
        "depth_open": ("[" * 200000, "LIMIT", "nested"), "depth_open_mapping": ("{a: " * 100000, "LIMIT", "nested"),
        "depth_dashes": ("- " * 100000, "LIMIT", "nested"), "depth_questions": ("? " * 50000, ("LIMIT", "CONFIG"), ""),
        "large": ("#" * ((1 << 20) + 1), "LIMIT", ""), "events": ("[" + "1," * 100001 + "1]", "LIMIT", "more items"),
        "keys": ("".join("k%d: 1\n" % i for i in range(1025)), "LIMIT", "keys"),
        "duplicate": ("a: 1\na: 2\n", "CONFIG", "already"), "documents": ("a: 1\n---\nb: 2\n", "CONFIG", ""),
        "nul": ('a: "x\\0y"\n', "CONFIG", "NUL"), "raw_nul": ("a: x\0y\n", "CONFIG", ""), "control": ("a: \x07\n", "CONFIG", ""),
        "tab": ("a:\n\tb: 1\n", "CONFIG", ""), "open_quote": ('a: "x\n', "CONFIG", ""), "open_brace": ("a: {b: 1\n", "CONFIG", ""),
        "key_sequence": ("? [a]\n: 1\n", "CONFIG", "key"), "key_mapping": ("? {a: 1}\n: 1\n", "CONFIG", "key"),
        "directive": ("%YAML 9.9\n---\na: 1\n", "CONFIG", ""), "escape": ('a: "\\q"\n', "CONFIG", ""),
        "escape_surrogate": ('a: "\\ud800"\n', "CONFIG", ""), "escape_beyond": ('a: "\\U7fffffff"\n', "CONFIG", ""),
        "empty": ("", "CONFIG", ""), "scalar": ("x\n", "CONFIG", ""), "sequence": ("- x\n", "CONFIG", ""), "null": ("~\n", "CONFIG", ""),
        "mixed": ("a: 1\n- b\n", "CONFIG", ""), "colons": ("a: b: c\n", "CONFIG", ""), "indent": (" a: 1\nb: 2\n", "CONFIG", ""),
        "steps_huge": (GOOD.replace("end: 1", "end: 9223372036854775807"), "CONFIG", "more than"),
        "steps_beyond": (GOOD.replace("end: 1", "end: 99999999999999999999"), "CONFIG", ""),
        "steps_negative": (GOOD.replace("start: 0", "start: -1"), "CONFIG", ""),
        "steps_zero": (GOOD.replace("step: 1", "step: 0"), "CONFIG", ""), "steps_text": (GOOD.replace("end: 1", "end: many"), "CONFIG", ""),
        "steps_nan": (GOOD.replace("end: 1", "end: .nan"), "CONFIG", ""), "steps_real": (GOOD.replace("end: 1", "end: 1.5"), "CONFIG", ""),
        "name_path": (GOOD.replace("name: x", "name: ../../x"), "CONFIG", ""), "name_list": (GOOD.replace("name: x", "name: [x]"), "CONFIG", ""),
        "unknown_metric": (GOOD.replace("norm\n", "nrom\n"), "CONFIG", "nrom"), "unknown_key": (GOOD + "surprise: 1\n", "CONFIG", "surprise"),
        "metrics_text": ("analysis_name: x\nmetrics: norm\n", "CONFIG", ""), "metrics_number": ("analysis_name: x\nmetrics: 7\n", "CONFIG", ""),
        "layers_text": (GOOD.replace("[0]", "all of them"), "CONFIG", ""), "layers_negative": (GOOD.replace("[0]", "[-1]"), "CONFIG", ""),
        "layers_huge": (GOOD.replace("[0]", "[99999999999999999999]"), "CONFIG", ""), "component": (GOOD.replace("simple", "evil"), "CONFIG", "evil"),
        "data_type": (GOOD.replace("data_type: weights", "data_type: code"), "CONFIG", ""),
    }
    for name, (text, status, part) in said.items():
        yield name, text.encode("latin1"), status, part
    for name, raw in (("not_utf8", b"a: \xff\n"), ("long_form", b"a: \xc0\xaf\n"), ("utf16", "a: 1\n".encode("utf-16")),
                      ("cut_character", b"a: \xe2\x82"), ("surrogate", b"a: \xed\xa0\x80\n"), ("byte_order_twice", b"\xef\xbb\xbf\xef\xbb\xbfa: 1")):
        yield name, raw, "CONFIG", ""
