# SPDX-License-Identifier: Apache-2.0
"""A small study of many records that kills.py and power_loss.py stop, and what they share."""
import os
import pathlib
import subprocess

STEPS, LAYERS = 20, 4  # so many units that the journal is flushed in the middle of the work
STUDY = """
analysis_name: study
metrics:
  - {{metric_name: cka, target_checkpoint: 2, components: [{{component_name: ov_circuit, data_type: activations}}]}}
  - {{metric_name: per, data_split: train, components: [{{component_name: ov_circuit, data_type: gradients}}]}}
  - {{metric_name: gini, components: [{{component_name: ov_circuit, data_type: weights}}]}}
  {more}
steps: {{start: 0, end: {last}, step: 1}}
"""


def tree_of(directory):
    """Path below the directory -> bytes, None for a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
            for path in sorted(pathlib.Path(directory).rglob("*"))}


def without_unfinished(tree):
    """Without what a killed program leaves beside the results, which nobody reads."""
    return {path: content for path, content in tree.items() if not path.endswith(".part")}


def write_tree(directory, tree):
    for path, content in tree.items():
        if content is None:
            (directory / path).mkdir(parents=True, exist_ok=True)
        else:
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)


class Study:
    """The program, a run and a configuration in the directory `work`."""

    def __init__(self, program, root, work, more="", plugin=None):
        self.program, self.root, self.work = program, root, work
        self.plugin = ["--plugin", plugin] if plugin else []
        self.run = work / "run"
        self.run.mkdir()
        bundled = root / "examples/data/pico-decoder-nano-1"
        (self.run / "training_config.yaml").write_bytes((bundled / "training_config.yaml").read_bytes())
        self.link_steps(0)
        (work / "study.yaml").write_text(STUDY.format(more=more, last=STEPS - 1))

    def link_steps(self, first):
        """Each step is one of the bundled three in turn, the first one that one."""
        bundled = self.root / "examples/data/pico-decoder-nano-1/checkpoints"
        (self.run / "checkpoints").mkdir(exist_ok=True)
        for step in range(STEPS):
            link = self.run / f"checkpoints/step_{step}"
            link.unlink(missing_ok=True)
            link.symlink_to(bundled / f"step_{(0, 50, 100)[(step + first) % 3]}")

    def command(self, output, *more):
        return [self.program, "analyze", "--config_path", self.work / "study.yaml", "--run_path", self.run,
                "--output_dir", output, "--threads", "2", "--quiet", *self.plugin, *more]

    def start(self, command, **environment):
        environment = {key: str(value) for key, value in environment.items()}
        env = dict(os.environ, OPENBLAS_NUM_THREADS="1", **environment)
        return subprocess.Popen([str(word) for word in command], env=env, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def finish(self, command, **environment):
        """Its exit code and what it said."""
        process = self.start(command, **environment)
        try:
            said = process.communicate(timeout=60)[1].decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[1].decode(errors="replace") + " hangs"
        return process.returncode, said
