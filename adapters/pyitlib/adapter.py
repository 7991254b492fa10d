# /// script
# requires-python = ">=3.11"
# dependencies = ["pyitlib==0.3.1", "numpy==2.4.6"]
# ///
"""pyitlib: divergence_kullbackleibler_pmf, in bits unless another base is asked for."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, serve


def divergence():
    import math
    from importlib.metadata import version

    from pyitlib import discrete_random_variable as drv

    def kl(p, q, *, base=2.0):
        return drv.divergence_kullbackleibler_pmf(p, q, base=math.e if base is None else base)

    return Library(version("pyitlib"), {"kl": kl, "kl_rows": kl})


serve({"divergence_kullbackleibler_pmf": divergence})
