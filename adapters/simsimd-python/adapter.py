# /// script
# requires-python = ">=3.11"
# dependencies = ["simsimd==6.5.16", "numpy==2.4.6"]
# ///
"""SimSIMD: simsimd.kullbackleibler, of which NumKong is the successor."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, serve


def kullbackleibler():
    import numpy
    import simsimd

    # It returns a Python float; that of float32 vectors was added up in float32.
    def kl(p, q):
        return numpy.asarray(simsimd.kullbackleibler(p, q), p.dtype)

    return Library(simsimd.__version__, {"kl": kl})


serve({"kullbackleibler": kullbackleibler})
