//! The protocol KLAP/1, for adapters in Rust. Needs nothing but the standard library, and a
//! little-endian machine.
//!
//! On Unix, standard output belongs to the protocol: what a library prints goes to standard
//! error. An adapter is a table of calls, one for each entry, operation and format; manifest.json
//! in the folder that is the first argument says the rest. No option is known to any call: a
//! question with one is answered "unsupported".
//!
//! ```ignore
//! #[path = "../rust/klap.rs"]
//! mod klap;
//!
//! fn main() {
//!     klap::serve("logp", &[("kl_divergence", "kl", klap::Call::F64(|p, q| logp::kl_divergence(p, q, 1e-9).map_err(|e| e.to_string())))]);
//! }
//! ```
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// A call of the library on P and Q, which is empty where the quantity has one array. An Err is a
/// deliberate refusal, a panic is a surprise.
pub enum Call {
    F64(fn(&[f64], &[f64]) -> Result<f64, String>),
    F32(fn(&[f32], &[f32]) -> Result<f32, String>),
}

/// The entry of the manifest, the operation, and the call.
pub type Row = (&'static str, &'static str, Call);

/// Answers questions about an entry until the input ends. The arguments of the program are the
/// folder of manifest.json and the id of the entry, or --check: print the versions. The version
/// of the crate `package` is the implementation's.
pub fn serve(package: &str, table: &[Row]) {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, id] = &args[..] else { fail("usage: adapter FOLDER --check | ENTRY") };
    let text = fs::read_to_string(Path::new(dir).join("manifest.json")).unwrap_or_else(|e| fail(&format!("manifest.json: {e}")));
    let manifest = Json(&text);
    let versions = packages(Path::new(dir));
    if id == "--check" {
        for entry in manifest.list("entries") {
            offered(table, entry);
        }
        let said: Vec<String> = manifest.get("packages").members().iter().map(|(p, _)| format!("{p} {}", versions.get(*p).map_or("?", |v| v))).collect();
        println!("{}", said.join(", "));
        return;
    }
    let Some(entry) = manifest.list("entries").into_iter().find(|e| e.get("id").str() == id) else { fail(&format!("no entry is called {id}")) };
    offered(table, entry);
    let (input, mut out) = streams();
    let mut session = Session { manifest, entry, version: versions.get(package).cloned().unwrap_or("unknown".into()), versions, table, input, keys: HashMap::new(), frames: false, running: true };
    let mut line = String::new();
    while session.running && session.input.read_line(&mut line).unwrap_or_else(|e| fail(&e.to_string())) > 0 {
        if !line.trim().is_empty() {
            let answer = session.turn(&line);
            out.write_all(&answer).unwrap_or_else(|e| fail(&e.to_string()));
        }
        line.clear();
    }
}

/// The calls of an entry must be those that the manifest promises.
fn offered(table: &[Row], entry: Json) {
    let id = entry.get("id").str();
    let list = |field, or| if entry.has(field) { entry.list(field).iter().map(|x| x.str()).collect() } else { vec![or] };
    let (ops, dtypes) = (list("ops", "kl"), list("dtypes", "f64"));
    for op in &ops {
        for dtype in &dtypes {
            if find(table, id, op, dtype).is_none() {
                fail(&format!("{id}: manifest.json promises {op} of {dtype}, which the adapter has not"));
            }
        }
    }
}

fn find<'a>(table: &'a [Row], id: &str, op: &str, dtype: &str) -> Option<&'a Call> {
    table.iter().find(|r| r.0 == id && r.1 == op && dtype == if let Call::F64(_) = r.2 { "f64" } else { "f32" }).map(|r| &r.2)
}

/// Why a question has no result.
enum Refusal {
    Rejected(&'static str, String),
    Unsupported(String),
    Error(String),
}
use Refusal::{Error, Rejected, Unsupported};

fn error<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Error(message.into()))
}

fn unsupported<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Unsupported(message.into()))
}

/// A buffer. Its bytes are in words, for the sake of alignment, and whatever the library writes
/// there shows.
struct Buf {
    name: String,
    dtype: String,
    shape: String, // JSON
    bytes: usize,
    words: Vec<u64>,
}

impl Buf {
    fn new(name: &str, dtype: &str, shape: &str, data: &[u8]) -> Buf {
        let mut words = vec![0u64; data.len().div_ceil(8)];
        for (w, c) in words.iter_mut().zip(data.chunks(8)) {
            let mut b = [0; 8];
            b[..c.len()].copy_from_slice(c);
            *w = u64::from_le_bytes(b);
        }
        Buf { name: name.into(), dtype: dtype.into(), shape: shape.into(), bytes: data.len(), words }
    }

    /// The memory as a slice; T is a number of at most 8 bytes.
    fn slice<T>(&self) -> &[T] {
        unsafe { std::slice::from_raw_parts(self.words.as_ptr() as *const T, self.bytes / size_of::<T>()) }
    }
}

fn size(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "f64" | "i64" => 8,
        "f32" | "i32" => 4,
        "f16" | "bf16" => 2,
        "f8e4m3" | "f8e5m2" | "u8" => 1,
        _ => return None,
    })
}

struct Session<'a> {
    manifest: Json<'a>,
    entry: Json<'a>,
    version: String,
    versions: BTreeMap<String, String>,
    table: &'a [Row],
    input: BufReader<File>,
    keys: HashMap<String, Rc<Buf>>,
    frames: bool,
    running: bool,
}

type Said = (String, Vec<Rc<Buf>>); // further fields of the answer, and its buffers

impl Session<'_> {
    /// Answers one message: a line, and frames after it.
    fn turn(&mut self, line: &str) -> Vec<u8> {
        let m = Json(line.trim());
        if !m.0.starts_with('{') || !m.0.ends_with('}') {
            fail(&format!("not a message: {:.80}", m.0));
        }
        let sent = m.list("bufs");
        let frames: Vec<Vec<u8>> = sent.iter().map(|b| self.frame(*b)).collect(); // all of them before anything is refused
        let mut how = if self.frames { "frame" } else { "b64" };
        let read = || sent.iter().zip(&frames).map(|(b, data)| decode(*b, data)).collect::<Result<Vec<_>, _>>();
        let answer = read().and_then(|bufs| {
            how = ["b64", "hex"].into_iter().find(|h| sent.first().is_some_and(|b| b.has(h))).unwrap_or(if sent.is_empty() { how } else { "frame" });
            self.answer(m, bufs)
        });
        let mut tail = vec![];
        let said = match answer {
            Ok((fields, bufs)) => {
                let bufs: Vec<String> = bufs.iter().map(|b| encode(b, how, &mut tail)).collect();
                format!("\"status\":\"ok\"{fields}{}", if bufs.is_empty() { "".into() } else { format!(",\"bufs\":[{}]", bufs.join(",")) })
            }
            Err(Rejected(kind, message)) => format!("\"status\":\"rejected\",\"kind\":\"{kind}\",\"message\":{}", quote(&message)),
            Err(Unsupported(message)) => format!("\"status\":\"unsupported\",\"message\":{}", quote(&message)),
            Err(Error(message)) => format!("\"status\":\"error\",\"message\":{}", quote(&message)),
        };
        let mut out = format!("{{\"id\":{},{said}}}\n", m.get("id").0).into_bytes();
        out.append(&mut tail);
        out
    }

    fn frame(&mut self, b: Json) -> Vec<u8> {
        let mut data = vec![0; b.get("bytes").0.parse().unwrap_or(0)];
        self.input.read_exact(&mut data).unwrap_or_else(|_| fail("the input ended inside a buffer"));
        data
    }

    fn answer(&mut self, m: Json, bufs: Vec<Rc<Buf>>) -> Result<Said, Refusal> {
        let ok = Ok((String::new(), vec![]));
        let key = m.get("key").str();
        match m.get("op").str() {
            "hello" => self.hello(m),
            "load" => {
                let (true, Some(b)) = (m.has("key") && bufs.len() == 1, bufs.first()) else { return error("load takes one buffer and a key") };
                self.keys.insert(key.into(), b.clone());
                ok
            }
            "drop" => {
                self.keyed(key)?;
                self.keys.remove(key);
                ok
            }
            "echo" => Ok((String::new(), if m.has("key") { vec![self.keyed(key)?] } else { bufs })),
            "bye" => {
                self.running = false;
                ok
            }
            "bench" => match m.get("iters").0.parse() {
                Ok(iters) if iters > 0 => self.ask(m.get("of").str(), m, bufs, iters),
                _ => error("bench takes iters ≥ 1"),
            },
            op => self.ask(op, m, bufs, 0),
        }
    }

    fn hello(&mut self, m: Json) -> Result<Said, Refusal> {
        if m.has("protocol") && !m.list("protocol").iter().any(|v| v.0 == "1") {
            return unsupported("this adapter speaks protocol 1");
        }
        self.frames = m.list("encodings").iter().any(|e| e.str() == "frame");
        let field = |j: Json, name, or: &'static str| if j.has(name) { j.get(name).0.to_string() } else { or.to_string() };
        let mut said = format!(
            ",\"protocol\":1,\"name\":\"{}/{}\",\"version\":{},\"ops\":{},\"dtypes\":{},\"deterministic\":{},\"encodings\":[\"frame\",\"b64\",\"hex\"],\"packages\":{{{}}}",
            self.manifest.get("name").str(),
            self.entry.get("id").str(),
            quote(&self.version),
            field(self.entry, "ops", "[\"kl\"]"),
            field(self.entry, "dtypes", "[\"f64\"]"),
            field(self.entry, "deterministic", "true"),
            self.versions.iter().map(|(k, v)| format!("{}:{}", quote(k), quote(v))).collect::<Vec<_>>().join(","),
        );
        for (j, name, theirs) in [(self.manifest, "language", "language"), (self.manifest, "homepage", "homepage"), (self.entry, "convention", "convention"), (self.entry, "claim", "accuracy")] {
            if j.has(name) {
                said += &format!(",\"{theirs}\":{}", j.get(name).0.replace(['\n', '\r'], " "));
            }
        }
        Ok((said, vec![]))
    }

    fn keyed(&self, key: &str) -> Result<Rc<Buf>, Refusal> {
        self.keys.get(key).cloned().ok_or_else(|| Error(format!("no buffer is loaded as '{key}'")))
    }

    /// Answers a question; iters of 0 asks it once and does not say how long that took.
    fn ask(&self, op: &str, m: Json, mut bufs: Vec<Rc<Buf>>, iters: u64) -> Result<Said, Refusal> {
        let id = self.entry.get("id").str();
        if !self.table.iter().any(|r| r.0 == id && r.1 == op) {
            return unsupported(format!("op '{op}'"));
        }
        if m.has("keys") {
            bufs = m.list("keys").iter().map(|k| self.keyed(k.str())).collect::<Result<_, _>>()?;
        }
        let arity = if op.starts_with("entropy") { 1 } else { 2 };
        if bufs.len() == arity + 1 {
            return unsupported("a mask");
        }
        if bufs.len() != arity {
            return error(format!("{op} takes {arity} buffers, not {}", bufs.len()));
        }
        if let Some((name, _)) = m.get("options").members().first() {
            return unsupported(format!("option '{name}'"));
        }
        for b in &bufs {
            if find(self.table, id, op, &b.dtype).is_none() {
                return unsupported(format!("dtype {}", b.dtype));
            }
            if b.dtype != bufs[0].dtype {
                return unsupported("arrays of different formats");
            }
        }
        let none = Buf::new("", "", "", &[]);
        let (p, q) = (&*bufs[0], bufs.get(1).map_or(&none, |b| b));
        let (result, ns) = match find(self.table, id, op, &p.dtype) {
            Some(Call::F64(f)) => repeat(|| f(p.slice(), q.slice()), iters).map(|(x, ns)| (x.map(|x| Buf::new("result", "f64", "[]", &x.to_le_bytes())), ns)),
            Some(Call::F32(f)) => repeat(|| f(p.slice(), q.slice()), iters).map(|(x, ns)| (x.map(|x| Buf::new("result", "f32", "[]", &x.to_le_bytes())), ns)),
            None => unreachable!(),
        }?;
        let result = result.map_err(|e| Rejected(if arity == 2 && p.shape != q.shape { "length" } else { "domain" }, e))?;
        let timed = if iters > 0 { format!(",\"ns\":{ns},\"iters\":{iters}") } else { String::new() };
        Ok((timed, vec![Rc::new(result)]))
    }
}

/// The last result of f and the nanoseconds of all calls; a panic is an error.
fn repeat<T>(mut f: impl FnMut() -> Result<T, String>, iters: u64) -> Result<(Result<T, String>, u128), Refusal> {
    catch_unwind(AssertUnwindSafe(|| {
        let start = Instant::now();
        for _ in 1..iters {
            std::hint::black_box(f()).ok();
        }
        let result = f();
        (result, start.elapsed().as_nanos())
    }))
    .map_err(|e| {
        let text = e.downcast_ref::<String>().map(|s| &s[..]).or(e.downcast_ref::<&str>().copied());
        Error(format!("panic: {}", text.unwrap_or("?")))
    })
}

/// Makes the buffer of a message out of its description.
fn decode(b: Json, frame: &[u8]) -> Result<Rc<Buf>, Refusal> {
    let dtype = b.get("dtype").str();
    let Some(size) = size(dtype) else { return unsupported(format!("dtype '{dtype}'")) };
    let data = if b.has("b64") {
        base64(b.get("b64").str())?
    } else if b.has("hex") {
        let mut data = vec![];
        for word in b.list("hex") {
            let word = word.str();
            if word.len() != 2 * size || !word.is_ascii() {
                return error(format!("a hex word of {dtype} has {} digits", 2 * size));
            }
            for i in (0..size).rev() {
                data.push(u8::from_str_radix(&word[2 * i..2 * i + 2], 16).map_err(|_| Error(format!("{word} is not hexadecimal")))?);
            }
        }
        data
    } else if b.has("bytes") {
        frame.to_vec()
    } else {
        return error("a buffer without bytes, b64 or hex");
    };
    let shape = b.get("shape").0;
    let mut want = Some(size);
    for n in b.list("shape") {
        want = want.zip(n.0.parse().ok()).and_then(|(w, n): (usize, usize)| w.checked_mul(n));
    }
    if want != Some(data.len()) {
        return error(format!("shape {shape} of {dtype} does not fit {} bytes", data.len()));
    }
    Ok(Rc::new(Buf::new(b.get("name").str(), dtype, shape, &data)))
}

fn encode(b: &Buf, how: &str, frames: &mut Vec<u8>) -> String {
    let data: &[u8] = b.slice();
    let sent = match how {
        "frame" => {
            frames.extend_from_slice(data);
            format!("\"bytes\":{}", data.len())
        }
        "hex" => {
            let word = |w: &[u8]| format!("\"{}\"", w.iter().rev().map(|x| format!("{x:02x}")).collect::<String>());
            format!("\"hex\":[{}]", data.chunks(size(&b.dtype).unwrap_or(1)).map(word).collect::<Vec<_>>().join(","))
        }
        _ => format!("\"b64\":\"{}\"", unbase64(data)),
    };
    format!("{{\"name\":\"{}\",\"dtype\":\"{}\",\"shape\":{},{sent}}}", b.name, b.dtype, b.shape)
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(text: &str) -> Result<Vec<u8>, Refusal> {
    let mut data = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut have) = (0u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return error("b64 is not base64"),
        };
        bits = bits << 6 | digit as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            data.push((bits >> have) as u8);
        }
    }
    Ok(data)
}

fn unbase64(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len() / 3 * 4 + 4);
    for c in data.chunks(3) {
        let bits = c.iter().enumerate().fold(0u32, |s, (i, &b)| s | (b as u32) << (16 - 8 * i));
        for i in 0..4 {
            text.push(if i > c.len() { '=' } else { DIGITS[(bits >> (18 - 6 * i) & 63) as usize] as char });
        }
    }
    text
}

/// JSON that was written by a program, as a piece of text: nothing is converted before it is asked.
#[derive(Clone, Copy)]
struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// The members of an object, or the elements of an array with empty names.
    fn members(self) -> Vec<(&'a str, Json<'a>)> {
        let (b, mut found, mut i) = (self.0.as_bytes(), vec![], 1);
        if !matches!(b.first(), Some(b'{' | b'[')) {
            return found;
        }
        loop {
            i = blank(b, i);
            if matches!(b.get(i), None | Some(b'}' | b']')) {
                return found;
            }
            let mut name = "";
            if b[0] == b'{' {
                let end = value(b, i);
                name = Json(&self.0[i..end]).str();
                i = blank(b, blank(b, end) + 1); // after the colon
            }
            let end = value(b, i);
            found.push((name, Json(self.0.get(i..end).unwrap_or(""))));
            i = blank(b, end);
            if b.get(i) == Some(&b',') {
                i += 1;
            } else {
                return found;
            }
        }
    }

    fn find(self, name: &str) -> Option<Json<'a>> {
        self.members().into_iter().find(|m| m.0 == name).map(|m| m.1)
    }

    fn has(self, name: &str) -> bool {
        self.find(name).is_some_and(|j| j.0 != "null")
    }

    fn get(self, name: &str) -> Json<'a> {
        self.find(name).unwrap_or(Json("null"))
    }

    fn list(self, name: &str) -> Vec<Json<'a>> {
        self.get(name).members().into_iter().map(|m| m.1).collect()
    }

    /// A string without its quotation marks; escapes stay as they are.
    fn str(self) -> &'a str {
        self.0.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or("")
    }
}

fn blank(b: &[u8], mut i: usize) -> usize {
    while b.get(i).is_some_and(u8::is_ascii_whitespace) {
        i += 1;
    }
    i
}

/// The end of the value that begins at i.
fn value(b: &[u8], mut i: usize) -> usize {
    let mut depth = 0;
    while let Some(c) = b.get(i) {
        match c {
            b'"' => {
                i += 1;
                while !matches!(b.get(i), None | Some(b'"')) {
                    i += if b[i] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b':' if depth == 0 => return i,
            b'}' | b']' => depth -= 1,
            c if depth == 0 && c.is_ascii_whitespace() => return i,
            _ => {}
        }
        i += 1;
        if depth == 0 && matches!(c, b'"' | b'}' | b']') {
            return i;
        }
    }
    b.len()
}

/// A JSON string of one line and at most 400 characters.
fn quote(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut s = String::from("\"");
    for c in text.chars().take(400) {
        match c {
            '"' | '\\' => s.extend(['\\', c]),
            c if c < ' ' => s += &format!("\\u{:04x}", c as u32),
            c => s.push(c),
        }
    }
    s + "\""
}

/// The versions that cargo has chosen, from its Cargo.lock, and that of the compiler.
fn packages(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let lock = fs::read_to_string(dir.join("Cargo.lock")).unwrap_or_default();
    let mut name = "";
    for line in lock.lines() {
        let text = || line.split('"').nth(1).unwrap_or("");
        if line.starts_with("name = ") {
            name = text();
        } else if line.starts_with("version = ") && !name.is_empty() {
            found.entry(name.to_string()).and_modify(|v: &mut String| *v += &format!(", {}", text())).or_insert(text().to_string());
        }
    }
    let compiler = fs::read_to_string(dir.join("target/.rustc_info.json")).unwrap_or_default();
    if let Some((_, v)) = compiler.split_once("\\nrelease: ") {
        found.insert("rustc".into(), v.split('\\').next().unwrap_or("").into());
    }
    found
}

/// The protocol's own input and output; descriptor 1 writes to standard error from now on.
#[cfg(unix)]
fn streams() -> (BufReader<File>, File) {
    use std::os::fd::FromRawFd;
    extern "C" {
        fn dup(fd: i32) -> i32;
        fn dup2(from: i32, to: i32) -> i32;
    }
    unsafe {
        let (input, out) = (File::from_raw_fd(dup(0)), File::from_raw_fd(dup(1)));
        dup2(2, 1);
        (BufReader::with_capacity(1 << 16, input), out)
    }
}

#[cfg(windows)]
fn streams() -> (BufReader<File>, File) {
    use std::os::windows::io::AsHandle;
    let open = |h: std::os::windows::io::BorrowedHandle| File::from(h.try_clone_to_owned().unwrap_or_else(|e| fail(&e.to_string())));
    (BufReader::with_capacity(1 << 16, open(std::io::stdin().as_handle())), open(std::io::stdout().as_handle()))
}

#[cfg(target_endian = "big")]
compile_error!("the buffers of the protocol are little-endian, and so must be the machine");

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(2)
}
