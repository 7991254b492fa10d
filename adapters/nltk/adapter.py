# /// script
# requires-python = ">=3.11"
# dependencies = ["nltk==3.10.4"]
# ///
"""NLTK, which has no divergence: D(P‖Q) = −log_likelihood(Q, P) − entropy(P), in bits.

The samples are the indices. log_likelihood(test, actual) iterates over actual,
and no class of NLTK can be iterated over, hence the subclass.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, Rejected, serve


def identity():
    from nltk import __version__
    from nltk.probability import DictionaryProbDist, entropy, log_likelihood

    class Dist(DictionaryProbDist):
        def __iter__(self):
            return iter(self.samples())

    def kl(p, q):
        if len(p.samples()) != len(q.samples()):
            raise Rejected("length", f"the adapter refuses lengths {len(p.samples())} and {len(q.samples())}")
        return -log_likelihood(q, p) - entropy(p)

    return Library(__version__, {"kl": kl}, prepare=lambda a: Dist(dict(enumerate(a.floats()))))


serve({"identity": identity})
