# SPDX-License-Identifier: Apache-2.0
"""power_loss.py PICOANALYZE SOURCE_TREE RECORD_CALLS FAILING_CALLS [SHARE]: the power is lost anywhere.

Records what analyses and conversions do to the disk, makes what may be on it after each call, or after that share of the
calls (disk.py), and looks at every state: each result is as before or as it should be, whole; what the journal had
flushed is there; after exit code 0 everything is. From each distinct one, but for unfinished files that nobody reads,
the command is given again, with --resume, and must come to the very same files. The last line has the numbers; the exit code
is 0 only if all is well.
"""
import collections
import pathlib
import random
import re
import shutil
import sys
import tempfile

from disk import Disk, read_record
from study import Study, tree_of, without_unfinished, write_tree

JOURNAL = "study/results.journal"
SAMPLES = 8  # random states after each call, besides the regular ones


class Case:
    """A command that is stopped: what is there before, what is to be there afterwards, what is done again."""

    def __init__(self, name, before, after, command, again):
        self.name, self.before, self.after, self.command, self.again = name, before, after, command, again


def is_result(path):
    return path != JOURNAL and not path.endswith(".part")


class Facts:
    """What must be on the disk after the calls so far."""

    def __init__(self):
        self.acknowledged = b""  # of the journal
        self.flushed = b""
        self.ended = False

    def follow(self, disk, call):
        path = call[1][len(disk.root) + 1:]
        if call[0] == "flush" and path == JOURNAL:
            self.flushed = disk.find(call[1]).content()
        elif call[0] == "flush" and path == JOURNAL.rsplit("/", 1)[0]:  # and now it has its name
            self.acknowledged = self.flushed
        elif path == JOURNAL and call[0] == "cut":
            self.flushed = self.acknowledged = b""

    def broken_by(self, case, tree):
        for path in sorted(set(tree) | set(case.before) | set(case.after)):
            if not is_result(path):
                continue
            allowed = [where[path] for where in (case.before, case.after) if path in where]
            if path not in tree:
                if path in case.before or self.ended:
                    return f"{path} is lost"
            elif tree[path] not in allowed:
                return f"{path} is neither what it was nor what it should be"
            elif self.ended and tree[path] != case.after[path]:
                return f"{path} is not what it should be after exit code 0"
        complete = all(tree.get(path, b"") == content for path, content in case.after.items())
        if not complete and not tree.get(JOURNAL, b"").startswith(self.acknowledged):
            return "the journal has lost records that had been flushed"
        return None


class Losses:
    def __init__(self, study, shims, share):
        self.study, self.share = study, share
        self.recorder, self.failer = shims
        self.random = random.Random(9)
        self.calls = self.states = self.again = 0
        self.failures = collections.Counter()

    def fail(self, case, reason, how=""):
        """Tells the first of its kind."""
        self.failures[case.name, reason] += 1
        if self.failures[case.name, reason] == 1:
            print(f"FAILED: {case.name}: {reason}; {how}", flush=True)

    def record(self, case):
        """The calls of the whole command, which must explain what it leaves behind."""
        disk, trace = self.study.work / "disk", self.study.work / "trace"
        shutil.rmtree(disk, ignore_errors=True)
        trace.unlink(missing_ok=True)
        disk.mkdir()
        write_tree(disk, case.before)
        status, said = self.study.finish(case.command(disk), LD_PRELOAD=self.recorder, PA_RECORD_UNDER=disk,
                                         PA_RECORD_TO=trace)
        calls = read_record(trace)
        replayed = Disk(disk, case.before)
        for call in calls:
            replayed.apply(call)
        if status != 0 or replayed.tree() != tree_of(disk) or tree_of(disk) != case.after:
            self.fail(case, "the files are not what they should be, or not by the calls recorded", f"status {status}: {said}")
        return Disk(disk, case.before), calls

    def go_on_from(self, case, how, tree):
        disk = self.study.work / "again"
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        write_tree(disk, tree)
        status, said = self.study.finish(case.again(disk, tree), LD_PRELOAD=self.recorder)
        if status != 0:
            self.fail(case, f"cannot be gone on from, status {status}: {re.sub('[0-9]+', '*', said)}", how)
        elif tree_of(disk) != case.after:
            self.fail(case, "comes to other files", how)

    def look_at(self, case):
        disk, calls = self.record(case)
        facts = Facts()
        seen, gone_on = set(), set()
        for number, call in enumerate([*calls, None], 1):
            if call is not None:
                disk.apply(call)
                facts.follow(disk, call)
            facts.ended = call is None
            if not facts.ended and self.random.random() >= self.share:
                continue
            for choice, tree in disk.states(self.random, SAMPLES):
                how = f"after call {number} of {len(calls)} ({' '.join(call[:3]) if call else 'the end'}), {choice}"
                broken = facts.broken_by(case, tree)  # also of a state that was seen: what must be there grows
                if broken:
                    self.fail(case, broken, how)
                seen.add(hash(frozenset(tree.items())))
                tree = without_unfinished(tree)
                state = hash(frozenset(tree.items()))
                if state not in gone_on:
                    gone_on.add(state)
                    self.go_on_from(case, how, tree)
        self.calls += len(calls)
        self.states += len(seen)
        self.again += len(gone_on)
        print(f"{case.name}: {len(calls)} calls, {len(seen)} states, gone on from {len(gone_on)}", flush=True)

    def make(self, name, command, **environment):
        directory = self.study.work / name
        directory.mkdir()
        self.study.finish(command(directory), **environment)
        return tree_of(directory)

    def interrupted(self, name, at):
        """The journal of an analysis that was killed at that write."""
        return self.make(name, self.study.command, LD_PRELOAD=self.failer, PA_FAULT_CALL="pwrite", PA_FAULT_AT=at,
                         PA_FAULT_ERRNO=1000, PA_FAULT_PATH="*", PA_FAULT_FIRED=self.study.work / "fired")[JOURNAL]


def cases(losses):
    study = losses.study
    after = losses.make("whole", study.command)
    earlier = {path: content and b"earlier " + content for path, content in after.items()}
    kept = losses.interrupted("killed", 35)
    study.link_steps(1)  # the same run to all appearances, and other numbers
    stale = losses.interrupted("stale", 72)
    study.link_steps(0)

    def resume(disk, tree=None):
        return study.command(disk, "--resume")

    def restart(disk, tree):
        begun = not tree.get(JOURNAL, b"").startswith(stale)
        return resume(disk) if begun else study.command(disk)

    def convert(disk, tree=None):
        return [study.program, "convert", "--quiet", "--force", weights, disk / "weights.safetensors"]

    weights = study.root / "examples/data/pico-decoder-nano-1/checkpoints/step_0/learning_dynamics/val_weights.pt"
    converted = losses.make("converted", convert)
    yield Case("analyze", {}, after, study.command, resume)
    yield Case("analyze over results", earlier, after, study.command, resume)
    yield Case("analyze --resume", {**earlier, JOURNAL: kept[:-7]}, after, resume, resume)
    yield Case("analyze over a journal", {**earlier, JOURNAL: stale}, after, study.command, restart)
    yield Case("convert", {}, converted, convert, convert)
    yield Case("convert --force", {"weights.safetensors": b"earlier"}, converted, convert, convert)


def main(program, root, recorder, failer, share="1"):
    with tempfile.TemporaryDirectory() as work:
        study = Study(pathlib.Path(program), pathlib.Path(root), pathlib.Path(work).resolve())
        losses = Losses(study, (recorder, failer), float(share))
        for case in cases(losses):
            losses.look_at(case)
    print(f"power losses: {losses.calls} calls, {losses.states} states, gone on from {losses.again}, "
          f"{sum(losses.failures.values())} failures")
    return len(losses.failures) > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
