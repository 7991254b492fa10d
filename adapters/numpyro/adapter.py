# /// script
# requires-python = ">=3.11"
# dependencies = ["numpyro==0.22.0", "jax==0.10.2", "numpy==2.4.6"]
# ///
"""NumPyro: kl_divergence of two CategoricalProbs, with the check of the arguments on.

It is not compiled as a whole: inside jax.jit NumPyro cannot look at its arguments and checks nothing.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, serve
import xla


def categorical_probs():
    jax = xla.load()
    import numpy
    import numpyro
    from numpyro.distributions import CategoricalProbs, kl_divergence

    def kl(p, q):
        return numpy.asarray(kl_divergence(CategoricalProbs(p, validate_args=True), CategoricalProbs(q, validate_args=True)))

    return Library(
        numpyro.__version__,
        {"kl": kl, "kl_rows": kl},
        prepare=lambda a: jax.numpy.array(Array.numpy(a)),
        # Shapes that do not fit are a TypeError.
        refusals=(TypeError, ValueError),
    )


serve({"CategoricalProbs": categorical_probs})
