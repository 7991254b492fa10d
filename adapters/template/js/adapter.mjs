// An adapter for klconf: replace this function kl by your own call.
//
// kl gets P and Q as Float64Arrays and returns D(P‖Q); a RangeError is a
// refusal. The rest is the protocol KLAP/1. Standard output belongs to it:
// console.log writes to standard error.

import { readSync, writeSync } from "node:fs";

console.log = console.error;

function kl(p, q) { // what is graded
  if ([...p, ...q].some(Number.isNaN)) return NaN;
  if ([...p, ...q].some((x) => x < 0 || x === Infinity)) throw new RangeError("a weight is negative or infinite");
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] > 0 && q[i] === 0) return Infinity;
    if (p[i] > 0) sum += p[i] * (Math.log(p[i]) - Math.log(q[i]));
  }
  return sum;
}

let pending = Buffer.alloc(0);

// take returns bytes of the input as soon as size(pending) says how many.
function take(size) {
  for (let n; (n = size(pending)) < 0 || n > pending.length; ) {
    const chunk = Buffer.alloc(1 << 20);
    const got = readSync(0, chunk);
    if (got === 0) process.exit(0);
    pending = Buffer.concat([pending, chunk.subarray(0, got)]);
  }
  const data = pending.subarray(0, size(pending));
  pending = pending.subarray(data.length);
  return data;
}

function data(buf) {
  if ("bytes" in buf) return take(() => buf.bytes);
  if ("b64" in buf) return Buffer.from(buf.b64, "base64");
  return Buffer.concat(buf.hex.map((word) => Buffer.from(word, "hex").reverse()));
}

function answer(m, bufs) {
  if (m.op === "hello") {
    return { status: "ok", protocol: 1, name: "example", version: "1", language: "JavaScript",
      ops: ["kl"], dtypes: ["f64"], encodings: ["frame", "b64", "hex"], deterministic: true };
  }
  if (m.op === "bye") return { status: "ok" };
  if (m.op !== "kl" || Object.keys(m.options ?? {}).length || (m.bufs ?? []).map((b) => b.dtype).join() !== "f64,f64") {
    return { status: "unsupported", message: "only kl of two f64 vectors, without options" };
  }
  const [p, q] = bufs.map((b) => new Float64Array(new Uint8Array(b).buffer));
  if (p.length !== q.length) return { status: "rejected", kind: "length", message: `${p.length} and ${q.length} elements` };
  try {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(kl(p, q));
    return { status: "ok", bufs: [{ name: "kl", dtype: "f64", shape: [], hex: [bits.toString("hex")] }] };
  } catch (e) {
    return { status: e instanceof RangeError ? "rejected" : "error", kind: "domain", message: String(e.message) };
  }
}

for (let op; op !== "bye"; ) {
  const m = JSON.parse(take((b) => b.indexOf("\n") + 1 || -1));
  const bufs = (m.bufs ?? []).map(data);
  writeSync(1, JSON.stringify({ id: m.id, ...answer(m, bufs) }) + "\n");
  op = m.op;
}
