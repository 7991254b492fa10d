# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.15.0", "numpy==2.4.6"]
# ///
"""PyTorch: torch.nn.functional.kl_div with each of its reductions, and torch.distributions.

F.kl_div(input, target) takes log Q first and P second: Q.log() is part of the
call that is graded, because it is part of what a user writes.
"""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, Unsupported, serve

FORMATS = {"f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16"}


def library(ops, refusals):
    import torch

    torch.set_num_threads(1)
    wire = {getattr(torch, name): dtype for dtype, name in FORMATS.items()}

    def tensor(a: Array):
        kind = getattr(torch, FORMATS[a.dtype])
        if not a.data:
            return torch.empty(a.shape, dtype=kind)
        return torch.frombuffer(a.data, dtype=kind).reshape(a.shape)

    def answered(op):
        def ask(*args, **options):
            x = op(*args, **options)
            # numpy has no bfloat16: the bytes go out as they are
            return Array(wire[x.dtype], tuple(x.shape), x.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())

        ask.__wrapped__ = op  # inspect.signature finds the options of op
        return ask

    return Library(
        torch.__version__.partition("+")[0], {name: answered(op) for name, op in ops.items()}, prepare=tensor, refusals=refusals
    )


def kl_div(reduction, vector=lambda x: x):
    """One reduction of F.kl_div; vector makes a batch of a vector where the entry wants one."""

    def load():
        import torch.nn.functional as F

        # "mean" warns that it is not the mathematical definition
        warnings.filterwarnings("ignore", "reduction: 'mean'")

        def kl(p, q):
            return F.kl_div(vector(q.log()), vector(p), reduction=reduction)

        def kl_rows(p, q, *, reduction=None, of=reduction):
            if reduction != of:
                raise Unsupported(f"reduction {reduction!r}: this entry is reduction={of!r}")
            return F.kl_div(q.log(), p, reduction=of)

        # Shapes that do not fit are a RuntimeError.
        return library({"kl": kl, "kl_rows": kl_rows}, (RuntimeError, ValueError))

    return load


def kl_div_none():
    import torch.nn.functional as F

    def kl(p, q):
        return F.kl_div(q.log(), p, reduction="none").sum(-1)

    return library({"kl": kl, "kl_rows": kl}, (RuntimeError, ValueError))


def kl_div_vector():
    import torch.nn.functional as F

    return library({"kl": lambda p, q: F.kl_div(q.log(), p, reduction="batchmean")}, (RuntimeError, ValueError))


def kl_div_log_target():
    import torch.nn.functional as F

    warnings.filterwarnings("ignore", "reduction: 'mean'")

    def kl(p, q):
        return F.kl_div(q, p, reduction="sum", log_target=True)

    def kl_rows(p, q, *, reduction=None):
        if reduction is None:
            return F.kl_div(q, p, reduction="none", log_target=True).sum(-1)
        return F.kl_div(q, p, reduction=reduction, log_target=True)

    return library(
        {
            "kl": lambda p, q: kl(p.log(), q.log()),
            "kl_rows": lambda p, q, *, reduction=None: kl_rows(p.log(), q.log(), reduction=reduction),
            "kl_logprobs": kl,
            "kl_logprobs_rows": kl_rows,
        },
        (RuntimeError, ValueError),
    )


def categorical_probs():
    from torch.distributions import Categorical, kl_divergence

    def kl(p, q):
        return kl_divergence(Categorical(probs=p), Categorical(probs=q))

    def entropy(p):
        return Categorical(probs=p).entropy()

    return library({"kl": kl, "kl_rows": kl, "entropy": entropy, "entropy_rows": entropy}, (RuntimeError, ValueError))


def categorical_logits():
    from torch.distributions import Categorical, kl_divergence

    def kl(a, b):
        return kl_divergence(Categorical(logits=a), Categorical(logits=b))

    def entropy(a):
        return Categorical(logits=a).entropy()

    return library(
        {
            "kl": lambda p, q: kl(p.log(), q.log()),
            "kl_rows": lambda p, q: kl(p.log(), q.log()),
            "kl_logits": kl,
            "kl_logits_rows": kl,
            "entropy": lambda p: entropy(p.log()),
            "entropy_rows": lambda p: entropy(p.log()),
            "entropy_logits": entropy,
            "entropy_logits_rows": entropy,
        },
        (RuntimeError, ValueError),
    )


serve(
    {
        "kl_div.sum": kl_div("sum"),
        "kl_div.batchmean": kl_div("batchmean", lambda x: x[None]),
        "kl_div.batchmean.vector": kl_div_vector,
        "kl_div.mean": kl_div("mean"),
        "kl_div.none": kl_div_none,
        "kl_div.log_target": kl_div_log_target,
        "Categorical.probs": categorical_probs,
        "Categorical.logits": categorical_logits,
    }
)
