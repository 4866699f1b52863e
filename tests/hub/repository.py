# SPDX-License-Identifier: Apache-2.0
"""What pico-train pushes of a run: commits titled as it titles them, each with all files so far."""
import hashlib

DYNAMICS = "learning_dynamics/"


def repository(run, steps, model=None):
    """For server.Hub: `steps` of the run directory; `model` are bytes in place of each step's model.safetensors."""
    files = {"training_config.yaml": (run / "training_config.yaml").read_bytes(), "README.md": b"# demo\n"}
    commits = []

    def push(title, new):
        files.update(new)
        name = hashlib.sha1(("%d %s" % (len(commits), title)).encode()).hexdigest()
        commits.insert(0, {"id": name, "title": title, "files": dict(files)})

    push("initial commit", {})
    for step in steps:
        folder = run / "checkpoints" / ("step_%d" % step)
        of = {p.name: p.read_bytes() for p in (folder / "learning_dynamics").iterdir()}
        for split in ("train", "val"):
            new = {DYNAMICS + n: d for n, d in of.items() if n.startswith(split)}
            if new:
                push("Saving Learning Dynamics Data (%s) -- Step %d" % (split, step), new)
        weights = model or (folder / "model.safetensors").read_bytes()
        push("Saving HF Model -- Step %d" % step, {"model.safetensors": weights})
        push("Saving Fabric Checkpoint -- Step %d" % step, {"fabric_state/checkpoint.pt": b"f" * 100000})
    push("Saving Learning Dynamics Data (val) -- Step %d" % steps[0],
         {DYNAMICS + "val_gradients.pt": b"a newer one of the step"})
    commits[0]["files"] = dict(commits[1]["files"])
    return {"branches": {"demo-1": commits[0]["id"], "feature/x": commits[0]["id"]}, "commits": commits}
