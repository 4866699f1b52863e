/* SPDX-License-Identifier: Apache-2.0 */
/* The names of Hugging Face's models. Rules of attention come first: they tell which naming a state dict has. */
#include "checkpoint/naming.h"

static const pa_name_rule llama[] = {
    {.suffix = "attention.q_proj", .pattern = "layers.{layer}.self_attn.q_proj.weight"},
    {.suffix = "attention.k_proj", .pattern = "layers.{layer}.self_attn.k_proj.weight"},
    {.suffix = "attention.v_proj", .pattern = "layers.{layer}.self_attn.v_proj.weight"},
    {.suffix = "attention.o_proj", .pattern = "layers.{layer}.self_attn.o_proj.weight"},
    {.suffix = "swiglu.w_0", .pattern = "layers.{layer}.mlp.gate_proj.weight"},
    {.suffix = "swiglu.w_1", .pattern = "layers.{layer}.mlp.up_proj.weight"},
    {.suffix = "swiglu.w_2", .pattern = "layers.{layer}.mlp.down_proj.weight"},
    {.suffix = "embedding_proj", .pattern = "embed_tokens.weight"},
    {.suffix = "de_embedding_proj", .pattern = "lm_head.weight"},
    {.suffix = "de_embedding_proj", .pattern = "embed_tokens.weight", .fallback = 1},
};

static const char neox_fused[] = "layers.{layer}.attention.query_key_value.weight";

static const pa_name_rule gpt_neox[] = {
    {.suffix = "attention.q_proj", .pattern = neox_fused, .part = 0, .parts = 3, .per_head = 1},
    {.suffix = "attention.k_proj", .pattern = neox_fused, .part = 1, .parts = 3, .per_head = 1},
    {.suffix = "attention.v_proj", .pattern = neox_fused, .part = 2, .parts = 3, .per_head = 1},
    {.suffix = "attention.o_proj", .pattern = "layers.{layer}.attention.dense.weight"},
    {.suffix = "swiglu.w_1", .pattern = "layers.{layer}.mlp.dense_h_to_4h.weight"},
    {.suffix = "swiglu.w_2", .pattern = "layers.{layer}.mlp.dense_4h_to_h.weight"},
    {.suffix = "embedding_proj", .pattern = "embed_in.weight"},
    {.suffix = "de_embedding_proj", .pattern = "embed_out.weight"},
    {.suffix = "de_embedding_proj", .pattern = "embed_in.weight", .fallback = 1},
};

static const char gpt2_fused[] = "h.{layer}.attn.c_attn.weight";

static const pa_name_rule gpt2[] = {
    {.suffix = "attention.q_proj", .pattern = gpt2_fused, .transposed = 1, .part = 0, .parts = 3},
    {.suffix = "attention.k_proj", .pattern = gpt2_fused, .transposed = 1, .part = 1, .parts = 3},
    {.suffix = "attention.v_proj", .pattern = gpt2_fused, .transposed = 1, .part = 2, .parts = 3},
    {.suffix = "attention.o_proj", .pattern = "h.{layer}.attn.c_proj.weight", .transposed = 1},
    {.suffix = "swiglu.w_1", .pattern = "h.{layer}.mlp.c_fc.weight", .transposed = 1},
    {.suffix = "swiglu.w_2", .pattern = "h.{layer}.mlp.c_proj.weight", .transposed = 1},
    {.suffix = "embedding_proj", .pattern = "wte.weight"},
    {.suffix = "de_embedding_proj", .pattern = "lm_head.weight"},
    {.suffix = "de_embedding_proj", .pattern = "wte.weight", .fallback = 1},
};

const pa_naming pa_naming_none = {.name = NULL};

static const pa_naming namings[] = {
    {"llama", llama, sizeof(llama) / sizeof(llama[0])},
    {"gpt_neox", gpt_neox, sizeof(gpt_neox) / sizeof(gpt_neox[0])},
    {"gpt2", gpt2, sizeof(gpt2) / sizeof(gpt2[0])},
};

const pa_naming *pa_naming_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof(namings) / sizeof(namings[0])) ? &namings[index] : NULL;
}
