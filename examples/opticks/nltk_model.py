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


def scores(m, words):
    return [[m.score(w, [c]) for w in words] for c in asked["contexts"]]


pairs, words = padded_everygram_pipeline(2, asked["train"])
lidstone = Lidstone(order=2, gamma=asked["gamma"], vocabulary=Vocabulary(words, unk_cutoff=asked["cutoff"]))
lidstone.fit(pairs)
kneser_ney = KneserNeyInterpolated(order=2, discount=asked["discount"], vocabulary=lidstone.vocab, counter=lidstone.counts)
words = sorted(lidstone.vocab)
json.dump(
    {
        "words": words,
        "lidstone": scores(lidstone, words),
        "kneser_ney": scores(kneser_ney, asked["few"]),
    },
    sys.stdout,
)
