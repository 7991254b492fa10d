# /// script
# requires-python = ">=3.11"
# dependencies = ["optax==0.2.8", "jax==0.10.2", "numpy==2.4.6"]
# ///
"""Optax: its Kullback-Leibler losses, compiled by jax.jit as in every training step.

They take log Q first and P (or log P) second: jnp.log(Q) is part of the call
that is graded, because it is part of what a user writes.
"""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, serve
import xla


def loss(name, log_targets=False):
    def load():
        jax = xla.load()
        import numpy
        import optax

        # convex_kl_divergence says at every call that it has a new name
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        f = getattr(optax.losses, name)
        log = jax.numpy.log
        of_probs = jax.jit(lambda p, q, mask: f(log(q), log(p) if log_targets else p, where=mask))
        of_logprobs = jax.jit(lambda p, q, mask: f(q, p, where=mask))

        def kl(p, q, *, mask=None):
            return numpy.asarray(of_probs(p, q, mask))

        def kl_logprobs(p, q, *, mask=None):
            return numpy.asarray(of_logprobs(p, q, mask))

        ops = {"kl": kl, "kl_rows": kl}
        if log_targets:
            ops |= {"kl_logprobs": kl_logprobs, "kl_logprobs_rows": kl_logprobs}

        def array(a: Array):
            x = jax.numpy.array(a.numpy())
            return x.astype(bool) if a.dtype == "u8" else x

        # Shapes that do not fit are a TypeError.
        return Library(optax.__version__, ops, prepare=array, refusals=(TypeError, ValueError))

    return load


def loss_of_logits(name, log_targets=False):
    def load():
        jax = xla.load()
        import optax

        f = getattr(optax.losses, name)
        log_softmax = jax.nn.log_softmax
        target = log_softmax if log_targets else jax.nn.softmax
        kl = xla.with_grad(jax, lambda a, b: f(log_softmax(b), target(a)))
        return Library(
            optax.__version__,
            {"kl_logits": kl, "kl_logits_rows": kl},
            prepare=lambda a: jax.numpy.array(a.numpy()),
            refusals=(TypeError, ValueError),
        )

    return load


serve(
    {
        "kl_divergence": loss("kl_divergence"),
        "kl_divergence_with_log_targets": loss("kl_divergence_with_log_targets", log_targets=True),
        "generalized_kl_divergence": loss("generalized_kl_divergence"),
        "convex_kl_divergence": loss("convex_kl_divergence"),
        "kl_divergence.softmax": loss_of_logits("kl_divergence"),
        "kl_divergence_with_log_targets.log_softmax": loss_of_logits("kl_divergence_with_log_targets", log_targets=True),
    }
)
