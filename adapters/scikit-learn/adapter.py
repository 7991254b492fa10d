# /// script
# requires-python = ">=3.11"
# dependencies = ["scikit-learn==1.9.1", "scipy==1.17.1", "numpy==2.4.6"]
# ///
"""scikit-learn: the Kullback-Leibler loss of its non-negative matrix factorisation, of X = P and W·H = 1·Q."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, serve


def loss():
    import numpy
    import sklearn
    from sklearn.decomposition._nmf import _beta_divergence

    def kl(p, q):
        one = numpy.ones((1, 1), q.dtype)
        return _beta_divergence(p.reshape(1, -1), one, q.reshape(1, -1), "kullback-leibler")

    # Shapes that do not fit are an IndexError.
    return Library(sklearn.__version__, {"kl": kl}, refusals=(IndexError, ValueError))


serve({"NMF.beta_divergence": loss})
