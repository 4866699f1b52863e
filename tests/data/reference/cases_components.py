# SPDX-License-Identifier: Apache-2.0
"""Components of a small model as dense matrices, each written out as the model itself would compute with it.

    model D LAYERS HEADS KV                       of the checkpoints `now` and `then`
    add CHECKPOINT SPLIT KIND NAME MATRIX         a tensor of a checkpoint, see Components.tensor()
    build N CHECKPOINT REFERENCE SPLIT KIND LAYER COMPONENT
    options ...
    part KEY HEAD MATRIX SECOND                   in this order; "-" where there is no second
    end
    done

Every matrix that is expected has a matrix NAME.sigma beside it, its singular values.
"""
import numpy as np

from cases import Cases

rng = np.random.default_rng(41)
D, LAYERS, HEADS, KV, HEAD = 10, 3, 4, 2, 4  # the heads together are wider than the model: nothing fits by accident
HIDDEN, WORDS, SAMPLES, TOKENS = 7, 9, 6, 5
SHAPES = {"attention.q_proj": (HEADS * HEAD, D), "attention.k_proj": (KV * HEAD, D), "attention.v_proj": (KV * HEAD, D),
          "attention.o_proj": (D, HEADS * HEAD), "swiglu.w_0": (HIDDEN, D), "swiglu.w_1": (HIDDEN, D),
          "swiglu.w_2": (D, HIDDEN)}
GROUP_OF = [0, 0, 1, 1]  # the key/value head of each head


def draw(*shape):
    """Multiples of 1/8, so that most of what is expected is exact, and short when written."""
    return np.round(8 * rng.normal(size=shape)) / 8


class Components(Cases):
    """Tensors of the checkpoints `now` and `then`, and what components make of them."""

    def __init__(self):
        super().__init__("components")
        self.tensors, self.known = {}, {}

    def tensor(self, checkpoint, kind, name, x):
        matrix = self.matrix("t%d" % len(self.tensors), x)
        self.tensors[checkpoint, kind, name] = np.asarray(x)
        self.lines.append("add %s val %s %s %s" % (checkpoint, kind, name, matrix))

    def get(self, kind, layer, suffix, checkpoint="now"):
        name = suffix if layer is None else "layers.%d.%s" % (layer, suffix)
        return self.tensors[checkpoint, kind, name]

    def dense(self, x):
        """Name of an expected matrix; the same is written once."""
        key = (x.shape, x.tobytes())
        if key not in self.known:
            name = self.known[key] = self.matrix("x%d" % len(self.known), x)
            self.matrix(name + ".sigma", np.linalg.svd(x, compute_uv=False)[None, :])
        return self.known[key]

    def build(self, component, kind, layer, options, parts, reference="-"):
        """parts: (what follows the layer in the key, head or -1, matrix, the second of a pair or None)."""
        parts = [(key, head, self.dense(x), "-" if y is None else self.dense(y)) for key, head, x, y in parts]
        self.count += 1
        self.lines.append("build %d now %s val %s %d %s" % (self.count, reference, kind, layer, component))
        self.lines.append("options " + options)
        self.lines += ["part layers.%d.%s %d %s %s" % (layer, *part) for part in parts]
        self.lines.append("end")


out = Components()


def heads_of(name, matrices, heads=range(HEADS), second=None):
    return [("%s.heads.%d" % (name, h), h, matrices[h], second) for h in heads]


# --- OV circuits: the head reads a token's residual stream x and writes O V x.
def write(v, o, h, x):
    """What head h writes for the vector x: its value of x, by the rows of W_V, sent through its columns of W_O."""
    value = [v[GROUP_OF[h] * HEAD + i] @ x for i in range(HEAD)]
    return sum(value[i] * o[:, h * HEAD + i] for i in range(HEAD))


def ov(layer, h, checkpoint="now", change=0.0):
    """Column by column: what is written for each unit vector; at weights moved along their gradients by `change`."""
    v, o = (out.get("weights", layer, s, checkpoint) for s in ("attention.v_proj", "attention.o_proj"))
    if change != 0.0:
        v = v + change * out.get("gradients", layer, "attention.v_proj", checkpoint)
        o = o + change * out.get("gradients", layer, "attention.o_proj", checkpoint)
    return np.array([write(v, o, h, x) for x in np.eye(D)]).T


def slope(f):
    """Of a polynomial of degree 2 at 0: the central difference is exact."""
    return (f(1.0) - f(-1.0)) / 2


def ov_activations(layer, h):
    acts, o = out.get("activations", layer, "attention.v_proj"), out.get("weights", layer, "attention.o_proj")
    return np.array([sum(a[GROUP_OF[h] * HEAD + i] * o[:, h * HEAD + i] for i in range(HEAD)) for a in acts])


def ov_full(layer, h):
    """[i, j]: how much the logit of token i is raised by attending to token j."""
    embedding, unembedding = out.get("weights", None, "embedding_proj"), out.get("weights", None, "de_embedding_proj")
    v, o = out.get("weights", layer, "attention.v_proj"), out.get("weights", layer, "attention.o_proj")
    return np.array([unembedding @ write(v, o, h, embedding[j]) for j in range(WORDS)]).T


def ov_pico(layer, h):
    """pico-analyze multiplies the other way round."""
    v, o = out.get("weights", layer, "attention.v_proj"), out.get("weights", layer, "attention.o_proj")
    return np.array([[v[GROUP_OF[h] * HEAD + i] @ o[:, h * HEAD + j] for j in range(HEAD)] for i in range(HEAD)])


def with_all(name, circuits):
    return heads_of(name, circuits) + [(name, -1, np.concatenate(circuits, axis=1), None)]


def ov_cases():
    for kind, options, name, f in (("weights", "", "ov_circuit", ov),
                                   ("gradients", "", "ov_circuit", lambda l, h: slope(lambda t: ov(l, h, change=t))),
                                   ("activations", "", "ov_circuit", ov_activations),
                                   ("weights", "form: full", "ov_circuit_full", ov_full),
                                   ("weights", "compat: pico", "ov_circuit", ov_pico)):
        out.build("ov_circuit", kind, 2, options, with_all(name + "." + kind, [f(2, h) for h in range(HEADS)]))


# --- Attention heads: slices, and QK circuits, which score a query's stream x_q against a key's x_k.
def position(x, at, theta, pairing):
    """Rotary positions as models apply them: complex numbers of neighbours (Llama's own code, pico-train), or
    rotate_half (Hugging Face)."""
    angles = at * theta ** (-2.0 * np.arange(HEAD // 2) / HEAD)
    if pairing == "interleaved":
        turned = (x[0::2] + 1j * x[1::2]) * np.exp(1j * angles)
        return np.stack([turned.real, turned.imag], axis=-1).ravel()
    angles = np.concatenate([angles, angles])
    return x * np.cos(angles) + np.concatenate([-x[HEAD // 2:], x[:HEAD // 2]]) * np.sin(angles)


def qk(layer, h, change=0.0, window=0, theta=1e4, pairing="interleaved"):
    """[i, j]: the score of query vector e_i against key vector e_j, on average over the distances below `window`."""
    q, k = out.get("weights", layer, "attention.q_proj"), out.get("weights", layer, "attention.k_proj")
    if change != 0.0:
        q = q + change * out.get("gradients", layer, "attention.q_proj")
        k = k + change * out.get("gradients", layer, "attention.k_proj")
    queries = (q[h * HEAD:(h + 1) * HEAD] @ np.eye(D)).T
    keys = (k[GROUP_OF[h] * HEAD:(GROUP_OF[h] + 1) * HEAD] @ np.eye(D)).T
    if window == 0:
        return np.array([[x @ y for y in keys] for x in queries])
    total, last = np.zeros((D, D)), window + 3
    for distance in range(window):
        late = np.array([position(x, last, theta, pairing) for x in queries])
        early = np.array([position(y, last - distance, theta, pairing) for y in keys])
        total += late @ early.T
    return total / window


def projection(kind, layer, name, h):
    x = out.get(kind, layer, "attention.%s_proj" % name)
    which = h if name in "qo" else GROUP_OF[h]
    places = range(which * HEAD, (which + 1) * HEAD)
    if name == "o" or kind == "activations":
        return np.array([[row[i] for i in places] for row in x])
    return np.array([x[i] for i in places])


def head_cases():
    for name in "qkvo":
        for kind in ("weights", "gradients") + (("activations",) if name != "o" else ()):
            slices = [projection(kind, 1, name, h) for h in range(HEADS)]
            out.build("attention_head", kind, 1, "projection: " + name,
                      heads_of("attention_head.%s.%s" % (name, kind), slices))
    qks = [qk(1, h) for h in range(HEADS)]
    changes = [slope(lambda t: qk(1, h, t)) for h in range(HEADS)]
    out.build("attention_head", "weights", 1, "circuit: qk", heads_of("attention_head.qk.weights", qks))
    out.build("attention_head", "gradients", 1, "circuit: qk", heads_of("attention_head.qk.gradients", changes))
    out.build("attention_head", "weights", 2, "circuit: ov, heads: [3, 1]",
              heads_of("attention_head.ov.weights", [ov(2, h) for h in range(HEADS)], [1, 3]))
    options = "circuit: qk, heads: [0, 3], rope_window: %d, rope_theta: %g, rope_pairing: %s"
    for window, theta, pairing in ((1, 1e4, "interleaved"), (2, 1e4, "halves"), (16, 1e4, "interleaved"),
                                   (16, 1e4, "halves"), (300, 500.0, "interleaved"), (300, 500.0, "halves")):
        how = {"window": window, "theta": theta, "pairing": pairing}
        name = "attention_head.qk_rope%d." % window
        out.build("attention_head", "weights", 1, options % tuple(how.values()),
                  heads_of(name + "weights", [qk(1, h, **how) for h in range(HEADS)], [0, 3]))
    changes = [slope(lambda t: qk(1, h, t, 16)) for h in range(HEADS)]
    out.build("attention_head", "gradients", 1, options % (16, 1e4, "interleaved"),
              heads_of("attention_head.qk_rope16.gradients", changes, [0, 3]))


# --- Feed-forward blocks, neuron by neuron.
def block(kind, layer, checkpoint="now"):
    gate, up, down = (out.get(kind, layer, "swiglu.w_%d" % i, checkpoint) for i in range(3))
    if kind == "activations":
        return np.array([[*g, *u, *d] for g, u, d in zip(gate, up, down)])
    return np.array([*gate, *up, *([row[j] for row in down] for j in range(HIDDEN))])


def feed_forward_cases():
    for kind in ("weights", "gradients", "activations"):
        out.build("feed_forward", kind, 1, "", [("feed_forward.block." + kind, -1, block(kind, 1), None)])
        for i, name in enumerate(("gate", "up", "down")):
            x = out.get(kind, 1, "swiglu.w_%d" % i)
            out.build("feed_forward", kind, 1, "view: " + name, [("feed_forward.%s.%s" % (name, kind), -1, x, None)])
    for kind in ("weights", "gradients"):
        names = ("read_gate", "read_up", "write")
        views = np.split(block(kind, 2), 3)
        out.build("feed_forward", kind, 2, "view: neurons",
                  [("feed_forward.%s.%s" % (n, kind), -1, x, None) for n, x in zip(names, views)])


# --- Pairs of heads.
def pairs(name, layer, later, heads=range(HEADS), from_layers=None):
    return [("induction_head.%s.weights.from.%d.%d.heads.%d" % (name, l, h1, h2), h2, later[h2], ov(l, h1))
            for l in (range(layer) if from_layers is None else from_layers) for h2 in heads for h1 in range(HEADS)]


def induction_cases():
    for layer in range(LAYERS):
        out.build("induction_head", "weights", layer, "", pairs("k", layer, [qk(layer, h) for h in range(HEADS)]))
    out.build("induction_head", "weights", 2, "composition: q, heads: [0, 2]",
              pairs("q", 2, [qk(2, h).T for h in range(HEADS)], [0, 2]))
    out.build("induction_head", "weights", 2, "composition: v, from_layers: [1]",
              pairs("v", 2, [ov(2, h) for h in range(HEADS)], from_layers=[1]))
    how = {"window": 16, "pairing": "halves"}
    for name, transposed in (("k", False), ("q", True)):
        later = [qk(1, h, **how).T if transposed else qk(1, h, **how) for h in range(HEADS)]
        out.build("induction_head", "weights", 1,
                  "composition: %s, rope_window: 16, rope_pairing: halves, heads: [1]" % name,
                  pairs(name + "_rope16", 1, later, [1]))
    patterns = out.get("attention", 1, "attention.pattern").reshape(HEADS, TOKENS, TOKENS)
    out.build("induction_head", "attention", 1, "",
              heads_of("induction_head.attention", patterns, second=out.get("attention", None, "tokens").T))


# --- What has changed, and what is put together.
def delta_cases():
    def deltas(name, f):
        return [("residual_delta.%s.heads.%d" % (name, h), h, f(h), None) for h in range(HEADS)]

    heads = deltas("ov_circuit.weights", lambda h: ov(1, h) - ov(1, h, "then"))
    both = np.concatenate([x for _, _, x, _ in heads], axis=1)
    out.build("residual_delta", "weights", 1, "component: ov_circuit",
              heads + [("residual_delta.ov_circuit.weights", -1, both, None)], "then")
    out.build("residual_delta", "weights", 1, "component: ov_circuit", [])
    gradients = deltas("ov_circuit.gradients",
                       lambda h: slope(lambda t: ov(1, h, "now", t)) - slope(lambda t: ov(1, h, "then", t)))
    out.build("residual_delta", "gradients", 1, "component: attention_head, component_options: \"circuit: ov\"",
              [(key.replace("ov_circuit", "attention_head.ov"), *rest) for key, *rest in gradients], "then")
    out.build("residual_delta", "weights", 1, "component: feed_forward",
              [("residual_delta.feed_forward.block.weights", -1,
                block("weights", 1) - block("weights", 1, "then"), None)], "then")
    for kind in ("weights", "activations"):
        x, y = (out.get(kind, 1, "swiglu.w_2", checkpoint) for checkpoint in ("now", "then"))
        out.build("residual_delta", kind, 1, "component: simple, component_options: \"layer_suffixes: swiglu.w_2\"",
                  [("residual_delta.swiglu.w_2." + kind, -1, x - y, None)], "then")


def group_cases():
    def member(kind, name):
        x = out.get(kind, 0, name.rstrip("^"))
        return [list(column) for column in zip(*x)] if name.endswith("^") else [list(row) for row in x]

    groups = (("weights", "columns", ("attention.o_proj", "swiglu.w_2", "attention.v_proj^"), ""),
              ("weights", "rows", ("attention.q_proj", "attention.o_proj^", "swiglu.w_1"), "wide"),
              ("gradients", "columns", ("attention.k_proj", "attention.v_proj"), "kv"),
              ("gradients", "rows", ("swiglu.w_2^",), ""),
              ("activations", "columns", ("attention.q_proj", "swiglu.w_2"), "seen"))
    for kind, combine, members, name in groups:
        parts = [member(kind, m) for m in members]
        x = [sum(rows, []) for rows in zip(*parts)] if combine == "columns" else sum(parts, [])
        options = "members: [%s], combine: %s" % (", ".join(m.rstrip("^") for m in members), combine)
        turned = [m.rstrip("^") for m in members if m.endswith("^")]
        options += ", transpose: [%s]" % ", ".join(turned) if turned else ""
        options += ", name: " + name if name else ""
        key = "group.%s.%s" % (name or "+".join(m.rstrip("^") for m in members), kind)
        out.build("group", kind, 0, options, [(key, -1, np.array(x), None)])


def add_tensors():
    out.lines.append("model %d %d %d %d" % (D, LAYERS, HEADS, KV))
    for layer in range(LAYERS):
        for suffix, shape in SHAPES.items():
            name = "layers.%d.%s" % (layer, suffix)
            out.tensor("now", "weights", name, draw(*shape))
            out.tensor("now", "gradients", name, draw(*shape))
            out.tensor("now", "activations", name, draw(SAMPLES, shape[0]))
            if layer == 1:
                for kind in ("weights", "gradients"):
                    out.tensor("then", kind, name, out.tensors["now", kind, name] + draw(*shape) / 8)
    out.tensor("then", "activations", "layers.1.swiglu.w_2", draw(SAMPLES, D))
    for name in ("embedding_proj", "de_embedding_proj"):
        out.tensor("now", "weights", name, draw(WORDS, D))
    patterns = np.tril(rng.uniform(size=(HEADS, TOKENS, TOKENS)))
    patterns /= patterns.sum(axis=2, keepdims=True)
    out.tensor("now", "attention", "layers.1.attention.pattern", patterns.reshape(HEADS * TOKENS, TOKENS))
    out.tensor("now", "attention", "tokens", np.array([[7.0, 3.0, 7.0, 1.0, 3.0]]))


with out:
    add_tensors()
    ov_cases()
    head_cases()
    feed_forward_cases()
    induction_cases()
    delta_cases()
    group_cases()
    out.lines.append("done")
