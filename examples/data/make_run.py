#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Train pico-decoder-nano-1, a small real run, and save it as pico-train does.

    make_run.py [nano|mini [OUT_DIR]]        default: nano, into pico-decoder-nano-1 beside this script

"mini" is a larger model that the benchmark uses; it is not kept in the repository.

The model is the pico-decoder (RMSNorm, grouped-query attention with rotary positions, SwiGLU) on bytes; the text is the
repository's LICENSE, its last fifth held out. Learning dynamics of step N are taken before optimizer step N, at the
last position of each sequence. Beside them stand what they lack: the state dict's other projections, in bfloat16, and
attention patterns on random bytes that are repeated, where induction shows. As in real runs, files differ: the training split has bfloat16 weights and activations
and prefixed names, the validation split is float32, and its activations are views of padded storages.
Needs Debian 12's python3-torch (1.13); one thread and a fixed seed give the same bytes again.
"""
import json
import math
import os
import struct
import sys
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = {
    "nano": dict(layers=4, d_model=32, heads=4, kv_heads=2, hidden=128, batch=64, recorded=64, val=96),
    "mini": dict(layers=12, d_model=48, heads=12, kv_heads=4, hidden=192, batch=32, recorded=256, val=640),
}
S = SimpleNamespace()  # the size in use
VOCAB, SEQ = 256, 64
SUFFIXES = ("attention.v_proj", "attention.o_proj", "swiglu.w_2")
OTHERS = ("attention.q_proj.weight", "attention.k_proj.weight", "swiglu.w_0.weight", "swiglu.w_1.weight")
PROBE = 8  # random bytes, twice
STEPS, SAVE_EVERY, MICRO_BATCH, LR = 100, 50, 32, 6e-3
FIXED = dict(vocab=VOCAB, seq=SEQ, steps=STEPS, save_every=SAVE_EVERY, micro_batch=MICRO_BATCH, lr=LR)
THETA, NORM_EPS = 10000.0, 1e-6

CONFIG = """checkpointing:
  checkpoints_dir: checkpoints
  learning_dynamics:
    batch_size: {micro_batch}
    eval_data: LICENSE
    layer_suffixes:
    - attention.v_proj
    - attention.o_proj
    - swiglu.w_2
    sequence_idx: -1
  learning_dynamics_dir: learning_dynamics
  run_name: pico-decoder-{name}-1
  runs_dir: runs
  save_every_n_steps: {save_every}
data:
  dataloader:
    batch_size: {recorded}
model:
  activation_hidden_dim: {hidden}
  attention_n_heads: {heads}
  attention_n_kv_heads: {kv_heads}
  batch_size: {recorded}
  d_model: {d_model}
  max_seq_len: {seq}
  model_type: pico_decoder
  n_layers: {layers}
  norm_eps: 1.0e-06
  position_emb_theta: 10000.0
  vocab_size: {vocab}
training:
  max_steps: {steps}
  optimization:
    lr: {lr}
    optimizer: adamw
"""


def d_head():
    return S.d_model // S.heads


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(S.d_model))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + NORM_EPS) * self.weight


def rotate(x):
    """Rotary positions on [batch, heads, seq, d_head]."""
    frequency = THETA ** (-torch.arange(0, d_head(), 2).float() / d_head())
    angle = torch.outer(torch.arange(x.shape[-2]).float(), frequency)
    turned = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2)) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).flatten(-2)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = nn.Linear(S.d_model, S.d_model, bias=False)
        self.k_proj = nn.Linear(S.d_model, S.kv_heads * d_head(), bias=False)
        self.v_proj = nn.Linear(S.d_model, S.kv_heads * d_head(), bias=False)
        self.o_proj = nn.Linear(S.d_model, S.d_model, bias=False)

    def forward(self, x):
        def heads(y):
            return y.view(*y.shape[:2], -1, d_head()).transpose(1, 2)

        q, k, v = rotate(heads(self.q_proj(x))), rotate(heads(self.k_proj(x))), heads(self.v_proj(x))
        k, v = (t.repeat_interleave(S.heads // S.kv_heads, dim=1) for t in (k, v))
        future = torch.full((x.shape[1], x.shape[1]), -math.inf).triu(1)
        self.pattern = (q @ k.transpose(-1, -2) / math.sqrt(d_head()) + future).softmax(-1)
        return self.o_proj((self.pattern @ v).transpose(1, 2).flatten(2))


class SwiGLU(nn.Module):
    def __init__(self):
        super().__init__()
        self.w_0 = nn.Linear(S.d_model, S.hidden, bias=False)
        self.w_1 = nn.Linear(S.d_model, S.hidden, bias=False)
        self.w_2 = nn.Linear(S.hidden, S.d_model, bias=False)

    def forward(self, x):
        return self.w_2(F.silu(self.w_0(x)) * self.w_1(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.swiglu = Attention(), SwiGLU()
        self.attention_norm, self.swiglu_norm = RMSNorm(), RMSNorm()

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.swiglu(self.swiglu_norm(x))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding_proj = nn.Embedding(VOCAB, S.d_model)
        self.layers = nn.ModuleList(Block() for _ in range(S.layers))
        self.output_norm = RMSNorm()
        self.de_embedding_proj = nn.Linear(S.d_model, VOCAB, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens):
        x = self.embedding_proj(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.de_embedding_proj(self.output_norm(x))


def loss_of(model, tokens):
    return F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


def learning_dynamics(model, tokens):
    """Weights, gradients summed over micro-batches, and activations at the last position, each {name: tensor}."""
    modules = {f"layers.{i}.{s}": model.layers[i].get_submodule(s) for i in range(S.layers) for s in SUFFIXES}
    activations = {name: [] for name in modules}
    hooks = [
        module.register_forward_hook(lambda _, __, out, name=name: activations[name].append(out[:, -1].detach()))
        for name, module in modules.items()
    ]
    model.zero_grad()
    for part in tokens.split(MICRO_BATCH):
        loss_of(model, part).backward()
    for hook in hooks:
        hook.remove()
    weights = {name: module.weight.detach().clone() for name, module in modules.items()}
    gradients = {name: module.weight.grad.clone() for name, module in modules.items()}
    model.zero_grad()
    return weights, gradients, {name: torch.cat(parts) for name, parts in activations.items()}


def attention(model):
    """Patterns of each layer [heads, tokens, tokens] on random bytes that come twice, and the bytes."""
    tokens = torch.randint(VOCAB, (PROBE,), generator=torch.Generator().manual_seed(2)).repeat(2)
    with torch.no_grad():
        model(tokens[None])
    patterns = {f"layers.{i}.attention.pattern": layer.attention.pattern[0] for i, layer in enumerate(model.layers)}
    return {**{name: pattern.to(torch.float16) for name, pattern in patterns.items()}, "tokens": tokens}


def save_state_dict(folder, model):
    """The projections that learning dynamics lack, as safetensors: a header in JSON, then the elements."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in sorted(model.state_dict().items()):
        if name.split(".", 2)[-1] in OTHERS:
            elements = tensor.to(torch.bfloat16).view(torch.int16).numpy().tobytes()
            header["pico_decoder." + name] = {"dtype": "BF16", "shape": list(tensor.shape),
                                              "data_offsets": [len(data), len(data) + len(elements)]}
            data += elements
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def save(folder, split, dynamics):
    os.makedirs(folder, exist_ok=True)
    train = split == "train"
    for kind, tensors in zip(("weights", "gradients", "activations"), dynamics):
        if train:
            dtype = torch.float32 if kind == "gradients" else torch.bfloat16
            tensors = {"_forward_module." + name: tensor.to(dtype) for name, tensor in tensors.items()}
        elif kind == "activations":  # padded to a whole number of batches, then cut: a view of the longer storage
            pad = -S.val % 64
            tensors = {name: torch.cat([tensor, tensor[:pad]])[:S.val] for name, tensor in tensors.items()}
        torch.save(tensors, os.path.join(folder, f"{split}_{kind}.pt"))


def main(name, out):
    S.__dict__.update(SIZES[name])
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(1)
    with open(os.path.join(HERE, "..", "..", "LICENSE"), "rb") as f:
        text = torch.tensor(list(f.read()))
    split = len(text) * 4 // 5

    def sequences(data, starts):
        return torch.stack([data[s : s + SEQ + 1] for s in starts])

    held_out = text[split:]
    val = sequences(held_out, torch.linspace(0, len(held_out) - SEQ - 1, S.val).long())
    model = Decoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    for step in range(STEPS + 1):
        batch = sequences(text[:split], torch.randint(split - SEQ, (S.recorded,)))
        if step % SAVE_EVERY == 0:
            folder = os.path.join(out, "checkpoints", f"step_{step}", "learning_dynamics")
            save(folder, "val", learning_dynamics(model, val))
            if name == "nano":
                torch.save(attention(model), os.path.join(folder, "val_attention.pt"))
                save_state_dict(os.path.dirname(folder), model)
            if step < STEPS:
                save(folder, "train", learning_dynamics(model, batch))
            with torch.no_grad():
                print(f"step {step}: train {loss_of(model, batch):.3f}, val {loss_of(model, val):.3f} nats/byte")
        optimizer.zero_grad()
        loss_of(model, batch[: S.batch]).backward()
        optimizer.step()
    with open(os.path.join(out, "training_config.yaml"), "w", encoding="utf-8") as f:
        f.write(CONFIG.format(name=name, **vars(S), **FIXED))
    latest = os.path.join(out, "checkpoints", "latest")
    if os.path.lexists(latest):
        os.remove(latest)
    os.symlink(f"step_{STEPS}", latest)


if __name__ == "__main__":
    size = sys.argv[1] if len(sys.argv) > 1 else "nano"
    main(size, sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, f"pico-decoder-{size}-1"))
