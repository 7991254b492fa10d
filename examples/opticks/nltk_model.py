# /// script
# requires-python = ">=3.11"
# dependencies = ["nltk==3.10.4"]
# ///
"""The bigram models of nltk.lm from the sentences on standard input, whose probabilities a test compares with ours.

NLTK makes its own vocabulary and counts its own pairs. Its Kneser-Ney takes some 20 ms for one probability, so only
those of a few words are asked for.
"""

import json
import sys

from nltk.lm import KneserNeyInterpolated, Lidstone, Vocabulary
from nltk.lm.preprocessing import padded_everygram_pipeline

asked = json.load(sys.stdin)


def trained(model, **options):
    pairs, words = padded_everygram_pipeline(2, asked["train"])
    m = model(order=2, vocabulary=Vocabulary(words, unk_cutoff=asked["cutoff"]), **options)
    m.fit(pairs)
    return m


def scores(m, words):
    return [[m.score(w, [c]) for w in words] for c in asked["contexts"]]


lidstone = trained(Lidstone, gamma=asked["gamma"])
words = sorted(lidstone.vocab)
json.dump(
    {
        "words": words,
        "lidstone": scores(lidstone, words),
        "kneser_ney": scores(trained(KneserNeyInterpolated, discount=asked["discount"]), asked["few"]),
    },
    sys.stdout,
)
