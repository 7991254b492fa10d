# /// script
# requires-python = ">=3.11"
# dependencies = ["torchmetrics==1.9.0", "torch==2.15.0", "numpy==2.4.6"]
# ///
"""TorchMetrics: torchmetrics.functional.kl_divergence of probabilities and of log-probabilities.

It takes arrays [batch, classes] only: a vector is asked as a batch of one row. Its reduction "mean" is over the rows, which
others call batchmean.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Unsupported, serve
from tensors import library

REDUCTIONS = {None: "none", "sum": "sum", "batchmean": "mean"}


def made(log_prob):
    from torchmetrics.functional import kl_divergence

    def kl(p, q):
        return kl_divergence(p[None], q[None], log_prob=log_prob)

    def kl_rows(p, q, *, reduction=None):
        if reduction not in REDUCTIONS:
            raise Unsupported(f"reduction {reduction!r}: it has the sum and the mean of the rows")
        return kl_divergence(p, q, log_prob=log_prob, reduction=REDUCTIONS[reduction])

    return kl, kl_rows


def named(ops):
    from importlib.metadata import version

    made = library(ops)
    made.version = version("torchmetrics")
    return made


def probs():
    kl, kl_rows = made(False)
    return named({"kl": kl, "kl_rows": kl_rows})


def log_prob():
    kl, kl_rows = made(True)
    return named(
        {
            "kl": lambda p, q: kl(p.log(), q.log()),
            "kl_rows": lambda p, q, *, reduction=None: kl_rows(p.log(), q.log(), reduction=reduction),
            "kl_logprobs": kl,
            "kl_logprobs_rows": kl_rows,
        }
    )


serve({"kl_divergence": probs, "kl_divergence.log_prob": log_prob})
