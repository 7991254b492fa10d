# /// script
# requires-python = ">=3.11"
# dependencies = ["scipy==1.17.1", "numpy==2.4.6"]
# ///
"""SciPy: scipy.stats.entropy, and scipy.special.rel_entr and kl_div summed with numpy; of logits through its softmax."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Library, Unsupported, serve


def of_softmax(f):
    """f of the softmax of each argument, row by row."""
    from scipy.special import softmax

    return lambda a, b: f(softmax(a, axis=-1), softmax(b, axis=-1))


def stats_entropy_softmax():
    from scipy import __version__
    from scipy.stats import entropy

    kl = of_softmax(lambda p, q: entropy(p, q, axis=-1))
    return Library(__version__, {"kl_logits": kl, "kl_logits_rows": kl})


def summed_softmax(name):
    def load():
        from scipy import __version__, special

        terms = getattr(special, name)
        kl = of_softmax(lambda p, q: terms(p, q).sum(axis=-1))
        return Library(__version__, {"kl_logits": kl, "kl_logits_rows": kl})

    return load


def stats_entropy():
    from scipy import __version__
    from scipy.stats import entropy

    return Library(
        __version__,
        {
            "kl": lambda p, q, *, base=None: entropy(p, q, base=base),
            "kl_rows": lambda p, q, *, base=None: entropy(p, q, base=base, axis=-1),
            "entropy": lambda p, *, base=None: entropy(p, base=base),
            "entropy_rows": lambda p, *, base=None: entropy(p, base=base, axis=-1),
        },
    )


def summed(name):
    def load():
        from scipy import __version__, special

        terms = getattr(special, name)

        def kl_rows(p, q, *, reduction=None):
            match reduction:
                case None:
                    return terms(p, q).sum(axis=-1)
                case "sum":
                    return terms(p, q).sum()
                case "mean":
                    return terms(p, q).mean()
            raise Unsupported(f"reduction {reduction!r}: numpy has none")

        return Library(__version__, {"kl": lambda p, q: terms(p, q).sum(), "kl_rows": kl_rows})

    return load


serve(
    {
        "stats.entropy": stats_entropy,
        "special.rel_entr": summed("rel_entr"),
        "special.kl_div": summed("kl_div"),
        "stats.entropy.softmax": stats_entropy_softmax,
        "special.rel_entr.softmax": summed_softmax("rel_entr"),
        "special.kl_div.softmax": summed_softmax("kl_div"),
    }
)
