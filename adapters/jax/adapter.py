# /// script
# requires-python = ">=3.11"
# dependencies = ["jax==0.10.2", "numpy==2.4.6"]
# ///
"""JAX: jax.scipy.special.rel_entr and kl_div, and the divergence of two softmaxes as it is written with jax.nn, summed
with jax.numpy and compiled as a whole.

Without jit each operation is compiled for each shape, which takes four times as long and gives the same numbers but for
the last bits.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, Unsupported, serve
import xla


def summed(name):
    def load():
        jax = xla.load()
        import numpy
        from jax.scipy import special

        terms = getattr(special, name)
        total = jax.jit(lambda p, q: terms(p, q).sum())
        rows = jax.jit(lambda p, q: terms(p, q).sum(axis=-1))
        mean = jax.jit(lambda p, q: terms(p, q).mean())

        def kl_rows(p, q, *, reduction=None):
            match reduction:
                case None:
                    f = rows
                case "sum":
                    f = total
                case "mean":
                    f = mean
                case _:
                    raise Unsupported(f"reduction {reduction!r}: jax.numpy has none")
            return numpy.asarray(f(p, q))

        return Library(
            jax.__version__,
            {"kl": xla.with_grad(jax, lambda p, q: terms(p, q).sum()), "kl_rows": kl_rows},
            prepare=lambda a: jax.numpy.array(Array.numpy(a)),
            # Shapes that do not fit are a TypeError.
            refusals=(TypeError, ValueError),
        )

    return load


def of_logits():
    jax = xla.load()
    nn = jax.nn
    kl = xla.with_grad(jax, lambda a, b: (nn.softmax(a) * (nn.log_softmax(a) - nn.log_softmax(b))).sum(axis=-1))
    return Library(
        jax.__version__,
        {"kl_logits": kl, "kl_logits_rows": kl},
        prepare=lambda a: jax.numpy.array(Array.numpy(a)),
        refusals=(TypeError, ValueError),
    )


serve(
    {
        "jit.rel_entr": summed("rel_entr"),
        "jit.kl_div": summed("kl_div"),
        "jit.softmax": of_logits,
    }
)
