//! logp: kl_divergence, which refuses vectors that do not sum to 1 within a tolerance of the
//! caller's, here that of its documentation.

#[path = "../rust/klap.rs"]
mod klap;
use klap::Call::F64;

fn main() {
    klap::serve("logp", &[("kl_divergence", "kl", F64(|p, q| logp::kl_divergence(p, q, 1e-9).map_err(|e| e.to_string())))]);
}
