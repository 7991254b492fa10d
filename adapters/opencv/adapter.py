# /// script
# requires-python = ">=3.11"
# dependencies = ["opencv-python-headless==5.0.0.93", "numpy==2.4.6"]
# ///
"""OpenCV: cv2.compareHist(p, q, cv2.HISTCMP_KL_DIV)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, serve


def compare_hist():
    import cv2

    cv2.setNumThreads(1)
    return Library(
        cv2.__version__,
        {"kl": lambda p, q: cv2.compareHist(p, q, cv2.HISTCMP_KL_DIV)},
        refusals=(cv2.error,),
    )


serve({"compareHist.HISTCMP_KL_DIV": compare_hist})
