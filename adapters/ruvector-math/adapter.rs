//! ruvector-math: utils::kl_divergence.

#[path = "../rust/klap.rs"]
mod klap;
use klap::Call::F64;

fn main() {
    klap::serve("ruvector-math", &[("kl_divergence", "kl", F64(|p, q| Ok(ruvector_math::utils::kl_divergence(p, q))))]);
}
