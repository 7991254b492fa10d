//! ml-distance, the crate: distance::kullback_leibler.

#[path = "../rust/klap.rs"]
mod klap;
use klap::Call::F64;

fn main() {
    klap::serve("ml-distance", &[("kullback_leibler", "kl", F64(|p, q| Ok(ml_distance::distance::kullback_leibler(p, q))))]);
}
