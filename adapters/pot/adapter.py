# /// script
# requires-python = ">=3.11"
# dependencies = ["POT==0.9.7.post1", "scipy==1.17.1", "numpy==2.4.6"]
# ///
"""POT: kl_div of its numpy backend, without and with the masses."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, Unsupported, serve


def kl_div(mass):
    def load():
        import ot
        from ot.backend import NumpyBackend

        nx = NumpyBackend()

        def kl_rows(p, q, *, reduction=None):
            match reduction:
                case None:
                    return nx.kl_div(p, q, mass=mass, axis=-1)
                case "sum":
                    return nx.kl_div(p, q, mass=mass)
            raise Unsupported(f"reduction {reduction!r}: it sums over an axis or over all")

        return Library(ot.__version__, {"kl": lambda p, q: nx.kl_div(p, q, mass=mass), "kl_rows": kl_rows})

    return load


serve({"backend.kl_div": kl_div(False), "backend.kl_div.mass": kl_div(True)})
