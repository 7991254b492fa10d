# /// script
# requires-python = ">=3.11"
# dependencies = ["dictances==1.5.3", "numpy==2.4.6"]
# ///
"""dictances: kullback_leibler of two dictionaries, whose keys are here the places of the elements."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, serve


def kullback_leibler():
    from importlib.metadata import version

    from dictances import kullback_leibler

    return Library(
        version("dictances"),
        {"kl": kullback_leibler},
        prepare=lambda a: dict(enumerate(Array.floats(a))),
        refusals=(ValueError, ZeroDivisionError),
    )


serve({"kullback_leibler": kullback_leibler})
