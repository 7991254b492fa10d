# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.15.0", "numpy==2.4.6"]
# ///
"""PyTorch: torch.nn.functional.kl_div with each of its reductions, and torch.distributions; on logits too.

F.kl_div(input, target) takes log Q first and P second: Q.log() is part of the
call that is graded, because it is part of what a user writes.
"""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Unsupported, serve
from tensors import library, with_grad


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

        # Of the others the derivative is divided by as much as the value.
        return library({"kl": with_grad(kl) if reduction == "sum" else kl, "kl_rows": kl_rows})

    return load


def kl_div_none():
    import torch.nn.functional as F

    def kl(p, q):
        return F.kl_div(q.log(), p, reduction="none").sum(-1)

    return library({"kl": kl, "kl_rows": kl})


def kl_div_vector():
    import torch.nn.functional as F

    return library({"kl": lambda p, q: F.kl_div(q.log(), p, reduction="batchmean")})


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
            "kl_logprobs": with_grad(kl),
            "kl_logprobs_rows": kl_rows,
        }
    )


def kl_div_log_softmax(convert=lambda x: x):
    """F.kl_div on logits, in the format of the logits or of convert."""

    def load():
        import torch.nn.functional as F

        warnings.filterwarnings("ignore", "reduction: 'mean'")

        def kl(a, b, reduction="sum"):
            log_p, log_q = (F.log_softmax(convert(x), dim=-1) for x in (a, b))
            return F.kl_div(log_q, log_p, reduction=reduction, log_target=True)

        each = with_grad(lambda a, b: kl(a, b, "none").sum(-1))

        def kl_rows(a, b, *, reduction=None, grad=None):
            if reduction is None:
                return each(a, b, grad=grad)
            if grad is not None:
                raise Unsupported("the derivative of a reduction")
            return kl(a, b, reduction)

        return library({"kl_logits": with_grad(kl), "kl_logits_rows": kl_rows})

    return load


def categorical_probs():
    from torch.distributions import Categorical, kl_divergence

    def kl(p, q):
        return kl_divergence(Categorical(probs=p), Categorical(probs=q))

    def entropy(p):
        return Categorical(probs=p).entropy()

    return library({"kl": kl, "kl_rows": kl, "entropy": entropy, "entropy_rows": entropy})


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
            "kl_logits": with_grad(kl),
            "kl_logits_rows": with_grad(kl),
            "entropy": lambda p: entropy(p.log()),
            "entropy_rows": lambda p: entropy(p.log()),
            "entropy_logits": entropy,
            "entropy_logits_rows": entropy,
        }
    )


serve(
    {
        "kl_div.sum": kl_div("sum"),
        "kl_div.batchmean": kl_div("batchmean", lambda x: x[None]),
        "kl_div.batchmean.vector": kl_div_vector,
        "kl_div.mean": kl_div("mean"),
        "kl_div.none": kl_div_none,
        "kl_div.log_target": kl_div_log_target,
        "kl_div.log_softmax": kl_div_log_softmax(),
        "kl_div.log_softmax.float": kl_div_log_softmax(lambda x: x.float()),
        "Categorical.probs": categorical_probs,
        "Categorical.logits": categorical_logits,
    }
)
