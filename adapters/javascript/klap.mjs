// The protocol KLAP/1, for adapters in JavaScript. Needs Node 18 or later and
// nothing else.
//
// Standard output belongs to the protocol: process.stdout and console write to
// standard error. An adapter maps each entry id to a function that imports the
// library, so that nothing is loaded before that holds, and returns what serve
// asks; manifest.json beside it says what each entry offers:
//
//     import { serve } from "../javascript/klap.mjs";
//
//     await serve({
//       "distance.kullbackLeibler": async () => {
//         const { distance } = await import("ml-distance");
//         return { package: "ml-distance", ops: { kl: (p, q) => distance.kullbackLeibler(p, q) } };
//       },
//     });
//
// An operation takes the prepared arrays, Float64Array or Float32Array unless
// the entry has its own prepare(typedArray), and last the options, of which it
// names those that it knows in options: ["base"]. A number that it returns is
// rounded to the format of the inputs.

import fs from "node:fs";
import path from "node:path";

Object.defineProperty(process, "stdout", { get: () => process.stderr });
globalThis.console = new console.Console(process.stderr);

const ENCODINGS = ["frame", "b64", "hex"];
const SIZE = { f64: 8, f32: 4, f16: 2, bf16: 2, f8e4m3: 1, f8e5m2: 1, u8: 1, i32: 4, i64: 8 };
const TYPED = { f64: Float64Array, f32: Float32Array };
const REALS = ["base", "temperature", "beta"];

/** A deliberate refusal of kind "domain", "length" or "dtype". */
export class Rejected extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Something that is not offered. */
export class Unsupported extends Error {}

/**
 * serve answers questions about the entry named on the command line until the
 * input ends. With --check instead of an entry it loads every entry and prints
 * the versions.
 *
 * An entry's function resolves to
 *   package   the package whose version is the implementation's
 *   ops       the functions
 *   prepare   makes of a typed array what they take, once for each buffer and outside of what is timed
 *   options   the names of the options that they know
 *   refuses   whether an exception is a deliberate refusal; without it one of exactly the class Error or RangeError
 */
export async function serve(entries) {
  const folder = path.dirname(process.argv[1]);
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, "manifest.json"), "utf8"));
  const versions = packages(path.join(folder, "node_modules"));
  const [name, ...rest] = process.argv.slice(2);
  if (name === "--check") {
    for (const make of Object.values(entries)) await make();
    write(Buffer.from(Object.keys(manifest.packages).map((p) => `${p} ${versions[p]}`).join(", ") + "\n"));
    return;
  }
  const entry = manifest.entries.find((e) => e.id === name);
  if (!entry || !entries[name] || rest.length) fail(`usage: node adapter.mjs --check | ${Object.keys(entries).join(" | ")}`);
  const session = new Session(manifest, entry, await entries[name](), versions);
  for (let line; session.running && (line = readLine()) !== null; ) if (line.trim()) session.turn(line);
}

class Session {
  keys = new Map();
  offered = [];
  running = true;

  constructor(manifest, entry, library, versions) {
    Object.assign(this, { manifest, entry, library, versions });
    this.ops = entry.ops ?? ["kl"];
    this.dtypes = entry.dtypes ?? ["f64"];
    if ([...this.ops].sort().join() !== Object.keys(library.ops).sort().join()) fail(`${entry.id}: adapter and manifest.json differ in ops`);
  }

  turn(line) {
    let request;
    try {
      request = JSON.parse(line);
    } catch {
      fail(`not a message: ${line.slice(0, 80)}`);
    }
    let how, answer;
    try {
      const bufs = (request.bufs ?? []).map(({ bytes }) => (bytes === undefined ? undefined : readBytes(bytes))); // all of them before anything is refused
      const read = (request.bufs ?? []).map((b, i) => decode(b, bufs[i]));
      how = read[0]?.how;
      answer = this.answer(request, read);
    } catch (e) {
      if (e instanceof Rejected) answer = { status: "rejected", kind: e.kind, message: text(e) };
      else if (e instanceof Unsupported) answer = { status: "unsupported", message: text(e) };
      else answer = { status: "error", message: `${e?.name ?? typeof e}: ${text(e)}` };
    }
    how ??= this.offered.includes("frame") ? "frame" : "b64";
    const frames = [];
    if (answer.bufs) answer.bufs = answer.bufs.map((b) => encode(b, how, frames));
    write(Buffer.concat([Buffer.from(JSON.stringify({ id: request.id, ...answer }) + "\n"), ...frames]));
  }

  answer(request, bufs) {
    switch (request.op) {
      case "hello":
        return this.hello(request);
      case "load":
        if (bufs.length !== 1 || typeof request.key !== "string") throw new Error("load takes one buffer and a key");
        this.keys.set(request.key, bufs[0]);
        return { status: "ok" };
      case "drop":
        this.keyed([request.key]);
        this.keys.delete(request.key);
        return { status: "ok" };
      case "echo":
        if (request.key !== undefined) bufs = this.keyed([request.key]);
        return { status: "ok", bufs: bufs.map(current) };
      case "bye":
        this.running = false;
        return { status: "ok" };
      case "bench":
        if (!Number.isInteger(request.iters) || request.iters < 1) throw new Error("bench takes iters ≥ 1");
        return this.ask(request.of, request, bufs, request.iters);
      default:
        return this.ask(request.op, request, bufs, 0);
    }
  }

  hello(request) {
    if (!(request.protocol ?? [1]).includes(1)) throw new Unsupported("this adapter speaks protocol 1");
    this.offered = request.encodings ?? [];
    return {
      status: "ok",
      protocol: 1,
      name: `${this.manifest.name}/${this.entry.id}`,
      version: this.versions[this.library.package] ?? "unknown",
      language: this.manifest.language,
      homepage: this.manifest.homepage,
      ops: this.ops,
      dtypes: this.dtypes,
      convention: this.entry.convention,
      accuracy: this.entry.claim,
      encodings: ENCODINGS,
      deterministic: this.entry.deterministic ?? true,
      packages: this.versions,
    };
  }

  keyed(keys) {
    return keys.map((key) => {
      if (!this.keys.has(key)) throw new Error(`no buffer is loaded as '${key}'`);
      return this.keys.get(key);
    });
  }

  /** ask answers a question; iters of 0 asks it once and does not say how long that took. */
  ask(op, request, bufs, iters) {
    const f = Object.hasOwn(this.library.ops, op) && this.library.ops[op];
    if (!f) throw new Unsupported(`op '${op}'`);
    if (request.keys) bufs = this.keyed(request.keys);
    const arity = op.startsWith("entropy") ? 1 : 2;
    if (bufs.length === arity + 1) throw new Unsupported("a mask");
    if (bufs.length !== arity) throw new Error(`${op} takes ${arity} buffers, not ${bufs.length}`);
    const options = {};
    for (const [name, value] of Object.entries(request.options ?? {})) {
      if (!this.library.options?.includes(name)) throw new Unsupported(`option '${name}'`);
      options[name] = REALS.includes(name) ? real(value) : value;
    }
    for (const b of bufs) if (!this.dtypes.includes(b.dtype)) throw new Unsupported(`dtype ${b.dtype}`);
    const args = bufs.map((b) => (b.prepared ??= this.library.prepare ? this.library.prepare(typed(b)) : typed(b)));
    let result, ns;
    try {
      const start = process.hrtime.bigint();
      for (let i = Math.max(iters, 1); i > 0; i--) result = f(...args, options);
      ns = Number(process.hrtime.bigint() - start);
    } catch (e) {
      const refuses = this.library.refuses ?? ((e) => e?.constructor === Error || e?.constructor === RangeError);
      if (e instanceof Rejected || e instanceof Unsupported || !refuses(e)) throw e;
      const same = bufs.every((b) => b.shape.join() === bufs[0].shape.join());
      throw new Rejected(same ? "domain" : "length", `${e.name}: ${text(e)}`);
    }
    const said = { status: "ok", bufs: [outcome(result, bufs[0].dtype)] };
    return iters ? { ...said, ns, iters } : said;
  }
}

/** real reads a decimal integer, a hexadecimal float or "e", which is undefined: the natural base. */
function real(s) {
  if (s === "e") return undefined;
  const m = /^(-?)0x([0-9a-f]+)\.?([0-9a-f]*)p([+-]?\d+)$/i.exec(s);
  return m ? (m[1] ? -1 : 1) * parseInt(m[2] + m[3], 16) * 2 ** (Number(m[4]) - 4 * m[3].length) : Number(s);
}

/** typed returns the buffer as a typed array over the same memory. */
function typed(b) {
  const T = TYPED[b.dtype];
  if (!T) throw new Unsupported(`dtype ${b.dtype}`);
  return new T(b.data.buffer, 0, b.data.length / SIZE[b.dtype]);
}

/** current returns the buffer as the library has left it: a prepared list of numbers is not over the same memory. */
function current(b) {
  if (!Array.isArray(b.prepared)) return b;
  return { ...b, data: new Uint8Array(TYPED[b.dtype].from(b.prepared).buffer) };
}

function outcome(x, dtype) {
  if (typeof x === "number") x = TYPED[dtype].of(x);
  else if (!(x instanceof TYPED[dtype])) throw new TypeError(`the result is ${x === null ? "null" : typeof x}, not a number`);
  else return { name: "result", dtype, shape: [x.length], data: new Uint8Array(x.buffer, x.byteOffset, x.byteLength) };
  return { name: "result", dtype, shape: [], data: new Uint8Array(x.buffer) };
}

/** decode makes the buffer of a message out of its description, with memory of its own. */
function decode({ name = "", dtype, shape, b64, hex }, data) {
  const size = Object.hasOwn(SIZE, dtype) && SIZE[dtype];
  if (!size) throw new Unsupported(`dtype '${dtype}'`);
  let how = "frame";
  if (b64 !== undefined) {
    how = "b64";
    data = new Uint8Array(Buffer.from(b64, "base64"));
  } else if (hex !== undefined) {
    how = "hex";
    if (hex.some((word) => word.length !== 2 * size)) throw new Error(`a hex word of ${dtype} has ${2 * size} digits`);
    data = swapped(new Uint8Array(Buffer.from(hex.join(""), "hex")), size);
  } else if (data === undefined) throw new Error("a buffer without bytes, b64 or hex");
  if (shape.some((n) => n < 0) || shape.reduce((a, n) => a * n, size) !== data.length) {
    throw new Error(`shape [${shape}] of ${dtype} does not fit ${data.length} bytes`);
  }
  return { name, dtype, shape, data, how };
}

function encode({ name, dtype, shape, data }, how, frames) {
  if (how === "frame") {
    frames.push(data);
    return { name, dtype, shape, bytes: data.length };
  }
  if (how === "b64") return { name, dtype, shape, b64: Buffer.from(data.buffer, data.byteOffset, data.length).toString("base64") };
  const size = SIZE[dtype];
  const digits = Buffer.from(swapped(data.slice(), size)).toString("hex");
  return { name, dtype, shape, hex: Array.from({ length: data.length / size }, (_, i) => digits.slice(2 * size * i, 2 * size * (i + 1))) };
}

/** swapped reverses the bytes of each element in place: memory is little-endian, a hex word is not. */
function swapped(data, size) {
  for (let i = 0; i < data.length; i += size) data.subarray(i, i + size).reverse();
  return data;
}

/** packages returns the versions of what is installed. */
function packages(modules) {
  const found = { node: process.versions.node };
  const scan = (dir) => {
    for (const name of fs.existsSync(dir) ? fs.readdirSync(dir) : []) {
      const at = path.join(dir, name);
      if (name.startsWith("@")) scan(at);
      else if (fs.existsSync(path.join(at, "package.json"))) {
        const { name, version } = JSON.parse(fs.readFileSync(path.join(at, "package.json"), "utf8"));
        found[name] = version;
      }
    }
  };
  scan(modules);
  return found;
}

const text = (e) => String(e?.message ?? e).replace(/\s+/g, " ").slice(0, 400);

function fail(message) {
  fs.writeSync(2, message + "\n");
  process.exit(2);
}

// Reading and writing is synchronous, on the descriptors themselves. A pipe
// that does not block says EAGAIN.

function again(f) {
  for (;;) {
    try {
      return f();
    } catch (e) {
      if (e.code !== "EAGAIN") throw e;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

let pending = Buffer.alloc(0);

/** readLine returns the next line, or null at the end of the input. */
function readLine() {
  const parts = [];
  for (;;) {
    const end = pending.indexOf(10);
    if (end >= 0) {
      parts.push(pending.subarray(0, end));
      pending = pending.subarray(end + 1);
      return Buffer.concat(parts).toString("utf8");
    }
    parts.push(pending);
    const chunk = Buffer.alloc(1 << 16);
    pending = chunk.subarray(0, again(() => fs.readSync(0, chunk)));
    if (!pending.length) return null;
  }
}

function readBytes(n) {
  const data = new Uint8Array(n);
  let at = pending.copy(data);
  pending = pending.subarray(at);
  while (at < n) {
    const got = again(() => fs.readSync(0, data, at, n - at));
    if (!got) fail("the input ended inside a buffer");
    at += got;
  }
  return data;
}

function write(data) {
  for (let at = 0; at < data.length; ) at += again(() => fs.writeSync(1, data, at));
}
