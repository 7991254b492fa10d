// klconf export --format csv >kl.csv; rustc -O read.rs && ./read <kl.csv
use std::io::BufRead;

fn kl(p: &[f64], q: &[f64]) -> Option<f64> { // the function under test; None is a refusal
    if p.len() != q.len() { return None; }
    Some(p.iter().zip(q).map(|(&a, &b)| if a > 0.0 { a * (a / b).ln() } else if a == 0.0 && b >= 0.0 { 0.0 } else { f64::NAN }).sum())
}

fn numbers(words: &str) -> Vec<f64> {
    words.split([' ', ':']).filter(|w| !w.is_empty()).map(|w| f64::from_bits(u64::from_str_radix(w, 16).unwrap())).collect()
}

fn main() {
    let (mut right, mut total) = (0, 0);
    for line in std::io::stdin().lock().lines().map(|l| l.unwrap()).filter(|l| !l.starts_with('#')) {
        let f: Vec<&str> = line.split(',').collect();
        let ok = match kl(&numbers(f[3]), &numbers(f[4])) {
            None => f[9] == "1",
            Some(x) if x.is_nan() => f[8] == "1",
            Some(x) => numbers(f[7]).chunks(2).any(|r| r[0] <= x && x <= r[1]),
        };
        total += 1;
        if ok { right += 1 } else { eprintln!("wrong: {}", f[0]) }
    }
    println!("{right} of {total} right");
}
