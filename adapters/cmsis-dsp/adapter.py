# /// script
# requires-python = ">=3.11"
# dependencies = ["cmsisdsp==1.10.3", "numpy==2.4.6"]
# ///
"""CMSIS-DSP through its Python wrapper: arm_kullback_leibler_f64 and arm_kullback_leibler_f32.

The wrapper takes the length of the first vector and reads as many elements of the second, whatever its length. A longer P
would read memory that is not Q's, so that this adapter refuses it; a shorter P is passed on.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, Rejected, serve


def kullback_leibler(name):
    def load():
        from importlib.metadata import version

        import cmsisdsp
        import numpy

        f = getattr(cmsisdsp, name)
        kind = numpy.float32 if name.endswith("f32") else float

        def kl(p, q):
            if len(p) > len(q):
                raise Rejected("length", f"P has {len(p)} elements and Q {len(q)}: the wrapper would read past the end of Q")
            return kind(f(p, q))

        return Library(version("cmsisdsp"), {"kl": kl})

    return load


serve({name: kullback_leibler(name) for name in ("arm_kullback_leibler_f64", "arm_kullback_leibler_f32")})
