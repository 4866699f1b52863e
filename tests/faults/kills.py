# SPDX-License-Identifier: Apache-2.0
"""kills.py PICOANALYZE SOURCE_TREE SLOW_METRIC FAILING_CALLS|none KILLS [each]: kill -9 at KILLS random points.

Half of the points are times; half are calls on files, half of these the ones after half of a write. Every third study is
killed up to three times, also while it is resumed. With `none`, all points are times. With `each` comes each call on files
by itself, of an analysis that begins and of one that resumes. After each kill all records that were in the journal are in
it; at last --resume computes exactly what has no record, and the files are those of an uninterrupted analysis to the
last bit. The last line has the numbers; the exit code is 0 only if all is well.
"""
import pathlib
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
import zlib

from study import LAYERS, STEPS, Study, tree_of, without_unfinished

KILLED = 1000  # instead of an errno
HEADER, FRAME = 24, 20  # bytes, of a journal and before a record
MORE = """- metric_name: slow
    marker: {marker}
    milliseconds: 0
    components: [{{component_name: ov_circuit, data_type: weights}}]"""


def records_of(journal):
    """How many whole records it begins with, and these bytes."""
    at, count = HEADER, 0
    while journal[at:at + 4] == b"PAu1":
        length, _, crc = struct.unpack_from("<IQI", journal, at + 4)
        end = at + FRAME + length
        if end > len(journal) or zlib.crc32(journal[at + 4:at + 16] + journal[at + FRAME:end]) != crc:
            break
        at, count = end, count + 1
    return count, journal[:at] if count else b""


class Kills:
    def __init__(self, study, marker, shim):
        self.study, self.marker, self.shim = study, marker, shim
        self.output = study.work / "killed"
        self.journal = self.output / "study/results.journal"
        self.random = random.Random(8)
        self.kills = self.studies = self.resumed = self.kept = self.failures = 0
        begin = time.monotonic()
        self.all_values = self.compute(study.work / "whole")[2]
        self.seconds = time.monotonic() - begin
        self.whole = tree_of(study.work / "whole")
        self.values_a_unit, rest = divmod(self.all_values, STEPS * LAYERS)
        if rest or not self.all_values:
            sys.exit(f"{self.all_values} values for {STEPS * LAYERS} units")

    def fail(self, how, reason):
        self.failures += 1
        if self.failures <= 20:
            print(f"FAILED: {how}: {reason}", flush=True)

    def compute(self, output, *more):
        """To its end: exit code, what was said, how many values of the slow metric were computed."""
        self.marker.write_text("")
        ended = self.study.finish(self.study.command(output, *more), **self.environment())
        return *ended, self.marker.read_text().count("\n")

    def environment(self, at=None, code=KILLED):
        """To be killed before that call, or after half of it when that is a write."""
        chosen = {} if at is None else {"PA_FAULT_CALL": "*", "PA_FAULT_AT": at, "PA_FAULT_ERRNO": code,
                                        "PA_FAULT_PATH": f"{self.output}*", "PA_FAULT_FIRED": self.study.work / "fired"}
        return {"LD_PRELOAD": self.shim, **chosen} if self.shim else {}

    def kill_at_call(self, at, code):
        """Whether it came to that."""
        status, said = self.study.finish(self.study.command(self.output, "--resume"), **self.environment(at, code))
        if status not in (0, -signal.SIGKILL):
            self.fail(f"call {at}", f"status {status}: {said}")
        return status != 0

    def kill_at_time(self, seconds):
        process = self.study.start(self.study.command(self.output, "--resume"), **self.environment())
        time.sleep(seconds)
        process.kill()
        said = process.communicate()[1].decode(errors="replace")
        if process.returncode not in (0, -signal.SIGKILL):
            self.fail(f"after {seconds} s", f"status {process.returncode}: {said}")
        return process.returncode != 0

    def begin(self):
        shutil.rmtree(self.output, ignore_errors=True)
        self.studies += 1

    def results(self):
        return without_unfinished(tree_of(self.output))

    def follow(self, how, before, killed):
        """What was in the journal is in it; the records that now are."""
        journal = self.journal.read_bytes() if self.journal.exists() else b""
        if not journal.startswith(before) and (journal or self.results() != self.whole):
            self.fail(how, f"of {len(before)} bytes of records the journal has lost some")
        self.kills += killed
        return records_of(journal)[1]

    def end(self, how):
        count, _ = records_of(self.journal.read_bytes()) if self.journal.exists() else (0, b"")
        expected = self.all_values - self.values_a_unit * count
        status, said, values = self.compute(self.output, "--resume")
        if status != 0 or values != expected:
            self.fail(how, f"status {status}, {values} values computed, not {expected}: {said}")
        if self.results() != self.whole:
            self.fail(how, "other files")
        self.resumed += count > 0
        self.kept += count

    def count_calls(self):
        """How many calls on files a process has, about: threads make it vary."""
        low, high = 1, 1 << 14
        while high - low > 8:
            middle = (low + high) // 2
            shutil.rmtree(self.output, ignore_errors=True)
            low, high = (middle, high) if self.kill_at_call(middle, KILLED) else (low, middle)
        return low

    def at_random_points(self, wanted):
        calls = self.count_calls() if self.shim else 0
        self.begin()
        self.end("nothing there")
        while self.kills < wanted:
            self.begin()
            before, how = b"", f"study {self.studies}"
            n = 3 if self.studies % 3 == 0 else 1
            for _ in range(n):
                if self.shim and self.random.random() < 0.5:
                    at, code = self.random.randint(1, calls // n), self.random.choice((KILLED, -KILLED))
                    how += f", call {at} {code}"
                    killed = self.kill_at_call(at, code)
                else:
                    seconds = 1.1 * self.random.random() * self.seconds / n
                    how += f", {seconds:.6f} s"
                    killed = self.kill_at_time(seconds)
                before = self.follow(how, before, killed)
            self.end(how)

    def at_each_call(self, begun):
        """Of an analysis of which so many calls have been made by a process before it."""
        at, killed = 0, True
        while killed:
            at += 1
            how = f"call {at} after {begun}"
            self.begin()
            before = self.follow(how, b"", self.kill_at_call(begun, KILLED)) if begun else b""
            killed = self.kill_at_call(at, KILLED)
            self.follow(how, before, killed)
            self.end(how)
        return at - 1


def main(program, root, slow, shim, wanted, each=None):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work).resolve()
        marker = work / "computed"
        study = Study(pathlib.Path(program), pathlib.Path(root), work, MORE.format(marker=marker), slow)
        kills = Kills(study, marker, None if shim == "none" else shim)
        kills.at_random_points(int(wanted))
        told = f"{kills.kills} at random points"
        if each:
            calls = kills.at_each_call(0)
            told += f", {calls} at each call on files, {kills.at_each_call(calls // 4)} at each of a resumed analysis"
        print(f"kills: {told}; {kills.studies} studies, {kills.resumed} of them resumed from {kills.kept} records, "
              f"{kills.failures} failures")
    return kills.failures > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
