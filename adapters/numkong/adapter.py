# /// script
# requires-python = ">=3.11"
# dependencies = ["numkong==7.8.6", "numpy==2.4.6"]
# ///
"""NumKong: numkong.kullbackleibler of vectors and of the rows of matrices."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, serve


def kullbackleibler():
    import numkong
    import numpy

    def like(p, x):
        # NumKong adds float32 vectors up in float32 and returns a Python float.
        return numpy.asarray(x, numpy.float64 if p.dtype == numpy.float64 else numpy.float32)

    def kl_rows(p, q):
        if p.shape[0] == 1:  # it takes a matrix with one row for a vector
            return like(p, numkong.kullbackleibler(p[0], q[0])).reshape(1)
        return like(p, numkong.kullbackleibler(p, q))

    return Library(numkong.__version__, {"kl": lambda p, q: like(p, numkong.kullbackleibler(p, q)), "kl_rows": kl_rows})


serve({"kullbackleibler": kullbackleibler})
