//! An adapter for klconf: replace this function kl by your own call.
//!
//! kl gets P and Q and returns D(P‖Q); an Err is a refusal, a panic an error. The rest is the
//! protocol KLAP/1. Standard output belongs to it: print with eprintln!.

use std::io::{stdin, stdout, BufRead, Read, Write};

fn kl(p: &[f64], q: &[f64]) -> Result<f64, String> { // what is graded
    if p.iter().chain(q).any(|x| x.is_nan()) {
        return Ok(f64::NAN);
    }
    if p.iter().chain(q).any(|&x| x < 0.0 || x == f64::INFINITY) {
        return Err("a weight is negative or infinite".into());
    }
    let mut sum = 0.0;
    for (&p, &q) in p.iter().zip(q) {
        if p > 0.0 && q == 0.0 {
            return Ok(f64::INFINITY);
        }
        if p > 0.0 {
            sum += p * (p.ln() - q.ln());
        }
    }
    Ok(sum)
}

/// The value of a field, without quotation marks, or "". Rust's library has no JSON; the lines of
/// the runner are simple enough for this.
fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let Some((_, s)) = json.split_once(&format!("\"{name}\":")) else { return "" };
    let close = match s.as_bytes().first() {
        Some(b'"') => return s[1..].split('"').next().unwrap_or(""),
        Some(b'[') => ']',
        Some(b'{') => '}',
        _ => return s.split([',', '}']).next().unwrap_or("").trim(),
    };
    &s[..s.find(close).map_or(s.len(), |i| i + 1)]
}

fn vector(buf: &str, input: &mut impl Read) -> Vec<f64> {
    let hex = field(buf, "hex");
    if !hex.is_empty() {
        return hex.split('"').skip(1).step_by(2).map(|w| f64::from_bits(u64::from_str_radix(w, 16).unwrap_or(0))).collect();
    }
    let mut data = vec![];
    if let Ok(n) = field(buf, "bytes").parse() {
        data = vec![0; n];
        input.read_exact(&mut data).expect("the input ended inside a buffer");
    }
    let (digits, mut bits, mut have) = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 0, 0);
    for digit in field(buf, "b64").chars().map_while(|c| digits.find(c)) {
        bits = bits << 6 & 0xffffff | digit;
        have += 6;
        if have >= 8 {
            have -= 8;
            data.push((bits >> have) as u8);
        }
    }
    data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

fn answer(m: &str, dtypes: &[&str], x: &[Vec<f64>]) -> String {
    let op = field(m, "op");
    if op == "hello" {
        return concat!(
            r#""status":"ok","protocol":1,"name":"example","version":"1","language":"Rust","ops":["kl"],"#,
            r#""dtypes":["f64"],"encodings":["frame","b64","hex"],"deterministic":true"#
        )
        .into();
    }
    if op == "bye" {
        return r#""status":"ok""#.into();
    }
    if op != "kl" || dtypes != ["f64", "f64"] || field(m, "options").len() > 2 {
        return r#""status":"unsupported","message":"only kl of two f64 vectors, without options""#.into();
    }
    let (p, q) = (&x[0], &x[1]);
    if p.len() != q.len() {
        return format!(r#""status":"rejected","kind":"length","message":"{} and {} elements""#, p.len(), q.len());
    }
    let plain = |text: &str| text.replace(|c: char| c == '"' || c == '\\' || c.is_control(), " ");
    match std::panic::catch_unwind(|| kl(p, q)) {
        Ok(Ok(d)) => format!(r#""status":"ok","bufs":[{{"name":"kl","dtype":"f64","shape":[],"hex":["{:016x}"]}}]"#, d.to_bits()),
        Ok(Err(refusal)) => format!(r#""status":"rejected","kind":"domain","message":"{}""#, plain(&refusal)),
        Err(_) => r#""status":"error","message":"panic; standard error says more""#.into(),
    }
}

fn main() {
    let (mut input, mut out, mut m) = (stdin().lock(), stdout(), String::new());
    while input.read_line(&mut m).expect("the input is not UTF-8") > 0 {
        let (mut dtypes, mut x) = (vec![], vec![]);
        for (at, _) in m.match_indices("\"dtype\":") {
            let buf = &m[m[..at].rfind('{').unwrap_or(0)..at + m[at..].find('}').map_or(0, |i| i + 1)];
            dtypes.push(field(buf, "dtype"));
            x.push(vector(buf, &mut input));
        }
        writeln!(out, "{{\"id\":{},{}}}", field(&m, "id"), answer(&m, &dtypes, &x)).expect("the output is closed");
        out.flush().expect("the output is closed");
        if field(&m, "op") == "bye" {
            return;
        }
        m.clear();
    }
}
