//! ndarray-stats: kl_divergence of one-dimensional views, which takes no copy.

#[path = "../rust/klap.rs"]
mod klap;
use klap::Call::{F32, F64};
use ndarray::ArrayView1;
use ndarray_stats::EntropyExt;

fn main() {
    klap::serve(
        "ndarray-stats",
        &[
            ("kl_divergence", "kl", F64(|p, q| ArrayView1::from(p).kl_divergence(&ArrayView1::from(q)).map_err(|e| e.to_string()))),
            ("kl_divergence", "kl", F32(|p, q| ArrayView1::from(p).kl_divergence(&ArrayView1::from(q)).map_err(|e| e.to_string()))),
        ],
    );
}
