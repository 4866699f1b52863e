#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes namings/: tiny random state dicts of five kinds of models in three layouts, and expected.txt.

The expected values are computed here from the stored tensors by each architecture's own definition, naively and densely.
Usage: make_namings.py (NumPy only).
"""
import json
import os

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "namings")
D, HEADS, HEAD, HIDDEN, VOCAB, LAYERS = 8, 4, 2, 12, 5, 2
rng = np.random.default_rng(20)


def draw(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def save(path, tensors):
    """A safetensors file: length of the header, header, data."""
    header, offset = {}, 0
    for name, t in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [offset, offset + t.nbytes]}
        offset += t.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for t in tensors.values():
            f.write(t.tobytes())


def llama():
    out = {"model.embed_tokens.weight": draw(VOCAB, D), "lm_head.weight": draw(VOCAB, D)}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        out |= {p + "self_attn.q_proj.weight": draw(D, D), p + "self_attn.k_proj.weight": draw(D // 2, D),
                p + "self_attn.v_proj.weight": draw(D // 2, D), p + "self_attn.o_proj.weight": draw(D, D),
                p + "mlp.gate_proj.weight": draw(HIDDEN, D), p + "mlp.up_proj.weight": draw(HIDDEN, D),
                p + "mlp.down_proj.weight": draw(D, HIDDEN), p + "self_attn.v_proj.bias": draw(D // 2)}
    return out


def llama_parts(t, i):
    p = f"model.layers.{i}."
    grow = lambda m: np.repeat(m.reshape(HEADS // 2, HEAD, D), 2, axis=0)  # two heads a key/value head
    a = p + "self_attn."
    return {"q": t[a + "q_proj.weight"].reshape(HEADS, HEAD, D), "k": grow(t[a + "k_proj.weight"]),
            "v": grow(t[a + "v_proj.weight"]), "o": t[a + "o_proj.weight"],
            "block": [t[p + "mlp.gate_proj.weight"], t[p + "mlp.up_proj.weight"], t[p + "mlp.down_proj.weight"].T]}


def gpt_neox():
    out = {"gpt_neox.embed_in.weight": draw(VOCAB, D), "embed_out.weight": draw(VOCAB, D)}
    for i in range(LAYERS):
        p = f"gpt_neox.layers.{i}."
        out |= {p + "attention.query_key_value.weight": draw(3 * D, D), p + "attention.query_key_value.bias": draw(3 * D),
                p + "attention.dense.weight": draw(D, D), p + "mlp.dense_h_to_4h.weight": draw(HIDDEN, D),
                p + "mlp.dense_4h_to_h.weight": draw(D, HIDDEN)}
    return out


def gpt_neox_parts(t, i):
    p = f"gpt_neox.layers.{i}."
    fused = t[p + "attention.query_key_value.weight"].reshape(HEADS, 3, HEAD, D)
    return {"q": fused[:, 0], "k": fused[:, 1], "v": fused[:, 2], "o": t[p + "attention.dense.weight"],
            "block": [t[p + "mlp.dense_h_to_4h.weight"], t[p + "mlp.dense_4h_to_h.weight"].T]}


def gpt2():
    out = {"wte.weight": draw(VOCAB, D)}
    for i in range(LAYERS):
        p = f"h.{i}."
        out |= {p + "attn.c_attn.weight": draw(D, 3 * D), p + "attn.bias": draw(1, 1, 4, 4),
                p + "attn.c_proj.weight": draw(D, D), p + "mlp.c_fc.weight": draw(D, HIDDEN),
                p + "mlp.c_proj.weight": draw(HIDDEN, D)}
    return out


def gpt2_parts(t, i):
    p = f"h.{i}."
    q, k, v = (m.T.reshape(HEADS, HEAD, D) for m in np.split(t[p + "attn.c_attn.weight"], 3, axis=1))
    return {"q": q, "k": k, "v": v, "o": t[p + "attn.c_proj.weight"].T,
            "block": [t[p + "mlp.c_fc.weight"].T, t[p + "mlp.c_proj.weight"]]}


def phi3():
    """Queries, keys and values one after the other, two heads a key/value head; gate and up likewise."""
    out = {"model.embed_tokens.weight": draw(VOCAB, D), "lm_head.weight": draw(VOCAB, D)}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        out |= {p + "self_attn.qkv_proj.weight": draw(2 * D, D), p + "self_attn.o_proj.weight": draw(D, D),
                p + "mlp.gate_up_proj.weight": draw(2 * HIDDEN, D), p + "mlp.down_proj.weight": draw(D, HIDDEN)}
    return out


def phi3_parts(t, i):
    p = f"model.layers.{i}."
    q, k, v = np.split(t[p + "self_attn.qkv_proj.weight"], [D, D + D // 2])
    grow = lambda m: np.repeat(m.reshape(HEADS // 2, HEAD, D), 2, axis=0)
    return {"q": q.reshape(HEADS, HEAD, D), "k": grow(k), "v": grow(v), "o": t[p + "self_attn.o_proj.weight"],
            "block": [*np.split(t[p + "mlp.gate_up_proj.weight"], 2), t[p + "mlp.down_proj.weight"].T]}


def internlm2():
    """In every group two heads of queries, then their key and their value."""
    out = {"model.tok_embeddings.weight": draw(VOCAB, D), "output.weight": draw(VOCAB, D)}
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        out |= {p + "attention.wqkv.weight": draw(2 * D, D), p + "attention.wo.weight": draw(D, D),
                p + "feed_forward.w1.weight": draw(HIDDEN, D), p + "feed_forward.w3.weight": draw(HIDDEN, D),
                p + "feed_forward.w2.weight": draw(D, HIDDEN)}
    return out


def internlm2_parts(t, i):
    p = f"model.layers.{i}."
    groups = t[p + "attention.wqkv.weight"].reshape(HEADS // 2, 4, HEAD, D)
    f = p + "feed_forward."
    return {"q": groups[:, :2].reshape(HEADS, HEAD, D), "k": np.repeat(groups[:, 2], 2, axis=0),
            "v": np.repeat(groups[:, 3], 2, axis=0), "o": t[p + "attention.wo.weight"],
            "block": [t[f + "w1.weight"], t[f + "w3.weight"], t[f + "w2.weight"].T]}


def per(m):
    s = np.linalg.svd(m, compute_uv=False)
    p = s[s > 1e-12 * s[0]] / s.sum()
    return np.exp(-np.sum(p * np.log(p))) / min(m.shape)


def expect(lines, model, step, parts, i):
    def put(key, m):
        lines.append(f"{model},{step},norm,layers.{i}.{key},{np.linalg.norm(m):.12g}")
        lines.append(f"{model},{step},per,layers.{i}.{key},{per(m):.12g}")
    parts = {k: [x.astype(float) for x in v] if k == "block" else v.astype(float) for k, v in parts.items()}
    for h in range(HEADS):
        put(f"ov_circuit.weights.heads.{h}", parts["o"][:, h * HEAD:(h + 1) * HEAD] @ parts["v"][h])
        put(f"attention_head.qk.weights.heads.{h}", parts["q"][h].T @ parts["k"][h])
    put("feed_forward.block.weights", np.concatenate(parts["block"]))


def main():
    lines = []
    neox_config = {"hidden_size": D, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "rotary_emb_base": 10000}
    grouped_config = {"hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": HEADS // 2}
    models = [("llama", llama, llama_parts, "checkpoint-{}/model.safetensors", {
                  "hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": HEADS // 2,
                  "num_hidden_layers": LAYERS, "rms_norm_eps": 1e-05, "rope_theta": 10000.0}),
              ("gpt_neox", gpt_neox, gpt_neox_parts, "step{}/model.safetensors", neox_config),
              ("gpt2", gpt2, gpt2_parts, "{}/model.safetensors", {"n_embd": D, "n_head": HEADS}),  # layers: counted
              ("phi3", phi3, phi3_parts, "{}/model.safetensors", grouped_config),
              ("internlm2", internlm2, internlm2_parts, "{}/model.safetensors", grouped_config)]
    for name, make, take, layout, config in models:
        for step in (1, 20):
            tensors = make()
            path = os.path.join(OUT, name, layout.format(step))
            save(path, tensors)
            for i in range(LAYERS):
                expect(lines, name, step, take(tensors, i), i)
            where = os.path.dirname(path) if layout[0] != "{" else os.path.join(OUT, name)  # beside it, or of the run
            with open(os.path.join(where, "config.json"), "w") as f:
                json.dump(config, f, indent=2)
                f.write("\n")
    with open(os.path.join(OUT, "expected.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
