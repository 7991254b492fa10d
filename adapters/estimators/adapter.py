# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.15.0", "numpy==2.4.6"]
# ///
"""The estimators of the divergence from samples in libraries for reinforcement learning of language models, in PyTorch.

Each is the expression of its library and nothing else of it: a sampled token
has the log-probability logp under the policy, which is P, and ref under the
reference, which is Q.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Unsupported, serve
from tensors import library


def one_of(formulas):
    """The operation kl_estimate of formulas by estimator."""

    def load():
        def kl_estimate(logp, ref, *, estimator=None):
            if estimator not in formulas:
                raise Unsupported(f"estimator {estimator!r}: this library has {', '.join(formulas)}")
            return formulas[estimator](logp, ref)

        return library({"kl_estimate": kl_estimate})

    return load


serve(
    {
        # huggingface/trl: k1 of trl/trainer/ppo_trainer.py, k3 of trl/trainer/grpo_trainer.py (at d2b69d7)
        "trl": one_of(
            {
                "k1": lambda logp, ref: -(ref - logp),
                "k3": lambda logp, ref: (ref - logp).exp() - (ref - logp) - 1,
            }
        ),
        # volcengine/verl, verl/trainer/ppo/core_algos.py: kl_penalty (at 26b5d6b)
        "verl": one_of(
            {
                "k1": lambda logp, ref: logp - ref,
                "k2": lambda logp, ref: 0.5 * (logp - ref).square(),
                "k3": lambda logp, ref: ((kl := (ref - logp).clamp(min=-20, max=20)).exp() - kl - 1).clamp(min=-10, max=10),
            }
        ),
        # OpenRLHF/OpenRLHF, openrlhf/models/utils.py: compute_approx_kl (at 473f61b)
        "openrlhf": one_of(
            {
                "k1": lambda logp, ref: (logp.float() - ref.float()).clamp(min=-10, max=10),
                "k2": lambda logp, ref: ((logp.float() - ref.float()) ** 2 / 2.0).clamp(min=-10, max=10),
                "k3": lambda logp, ref: ((d := -(logp.float() - ref.float())).exp() - 1 - d).clamp(min=-10, max=10),
            }
        ),
    }
)
