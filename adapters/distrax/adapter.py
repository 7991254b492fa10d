# /// script
# requires-python = ">=3.11"
# dependencies = ["distrax==0.1.9", "tfp-nightly==0.26.0.dev20261027", "jax==0.10.2", "numpy==2.4.6"]
# ///
"""Distrax: kl_divergence of two Categorical distributions, compiled by jax.jit as in every training step."""

import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, serve
import xla


def categorical(of, suffix=""):
    def load():
        jax = xla.load()
        import numpy
        from distrax import Categorical

        kl = xla.with_grad(jax, lambda p, q: Categorical(**{of: p}).kl_divergence(Categorical(**{of: q})))
        compiled = jax.jit(lambda p: Categorical(**{of: p}).entropy())

        def entropy(p):
            return numpy.asarray(compiled(p))

        return Library(
            version("distrax"),
            {"kl" + suffix: kl, f"kl{suffix}_rows": kl, "entropy" + suffix: entropy, f"entropy{suffix}_rows": entropy},
            prepare=lambda a: jax.numpy.array(Array.numpy(a)),
            # Shapes that do not fit are a ValueError, of rows a TypeError.
            refusals=(TypeError, ValueError),
        )

    return load


serve({"Categorical.probs": categorical("probs"), "Categorical.logits": categorical("logits", "_logits")})
