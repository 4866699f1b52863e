#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes transformers/: tiny Llama, GPT-NeoX and GPT-2 models as save_pretrained() leaves them, in every layout that it
has; old.txt and new.txt: their tensors, as make_written_files.py writes them; and components.txt: values of components as
make_namings.py computes them, from the model's own parameters.

Weights depend on the names of parameters only, so all layouts of a model hold the same ones.
Usage: make_transformers_files.py old [DIRECTORY] with transformers 4.46.3 (torch 2.1.2), which writes
    checkpoint-1: model.safetensors, -2: its shards, -3: pytorch_model.bin, -4: its shards, and components.txt; then
make_transformers_files.py new [DIRECTORY] with transformers 5.24.0 (torch 2.15.0), which writes
    checkpoint-5: model.safetensors, -6: its shards.
No test needs them.
"""
import os
import shutil
import sys
import zlib

import numpy as np
import torch
import transformers

import make_namings
import make_written_files
from make_namings import D, HEADS, HIDDEN, LAYERS, VOCAB

WHICH = sys.argv[1]
OUT = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "transformers")
tokens = {"bos_token_id": 0, "eos_token_id": 1}


def llama():
    config = transformers.LlamaConfig(hidden_size=D, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, vocab_size=VOCAB,
                                      num_attention_heads=HEADS, num_key_value_heads=HEADS // 2, max_position_embeddings=16,
                                      rope_theta=500000.0, **tokens)
    return transformers.LlamaForCausalLM(config).to(torch.bfloat16), make_namings.llama_parts, ""


def gpt_neox():
    config = transformers.GPTNeoXConfig(hidden_size=D, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, vocab_size=VOCAB,
                                        num_attention_heads=HEADS, max_position_embeddings=16, **tokens)
    return transformers.GPTNeoXForCausalLM(config), make_namings.gpt_neox_parts, ""


def gpt2():
    config = transformers.GPT2Config(n_embd=D, n_inner=HIDDEN, n_layer=LAYERS, n_head=HEADS, vocab_size=VOCAB, n_positions=16,
                                     **tokens)
    return transformers.GPT2LMHeadModel(config).half(), make_namings.gpt2_parts, "transformer."


def stored_name(model, name):
    """transformers 5 has one name for all heads in memory, but keeps that of GPT-NeoX in files."""
    return "embed_out.weight" if isinstance(model, transformers.GPTNeoXForCausalLM) and name == "lm_head.weight" else name


def draw(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            rng = np.random.default_rng(zlib.crc32(stored_name(model, name).encode()))
            parameter.copy_(torch.from_numpy(rng.standard_normal(tuple(parameter.shape))))


def save(model, name, step, file, **options):
    path = os.path.join(OUT, name, f"checkpoint-{step}")
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path, **options)
    if os.path.exists(os.path.join(path, "generation_config.json")):
        os.remove(os.path.join(path, "generation_config.json"))
    for written in os.listdir(path):
        os.chmod(os.path.join(path, written), 0o644)
    tensors = {stored_name(model, n): t for n, t in model.state_dict().items()}
    if isinstance(model, transformers.GPT2LMHeadModel) and "safetensors" in file:
        del tensors["lm_head.weight"]                                       # tied to wte.weight
    make_written_files.expect(f"{name}/checkpoint-{step}/{file}", tensors)


def main():
    lines = []
    first = 1 if WHICH == "old" else 5
    for make in (llama, gpt_neox, gpt2):
        model, parts, prefix = make()
        draw(model)
        size = sum(p.numel() * p.element_size() for p in model.parameters()) // 2
        save(model, make.__name__, first, "model.safetensors")
        save(model, make.__name__, first + 1, "model.safetensors.index.json", max_shard_size=size)
        if WHICH == "old":
            save(model, make.__name__, 3, "pytorch_model.bin", safe_serialization=False)
            save(model, make.__name__, 4, "pytorch_model.bin.index.json", safe_serialization=False, max_shard_size=size)
        held = {n.removeprefix(prefix): p.detach().double().numpy() for n, p in model.named_parameters()}
        for i in range(LAYERS):
            make_namings.expect(lines, make.__name__, 1, parts(held, i), i)
    make_written_files.write_expected(os.path.join(OUT, WHICH + ".txt"))
    path = os.path.join(OUT, "components.txt")
    text = "\n".join(lines) + "\n"
    if WHICH == "old":
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
    else:
        with open(path, encoding="ascii") as f:
            assert f.read() == text, "the models are not the same"


main()
