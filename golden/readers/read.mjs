// klconf export --format csv | node read.mjs
import { readFileSync } from "node:fs";

function kl(p, q) { // the function under test; an exception is a refusal
  if (p.length !== q.length) throw new RangeError("lengths");
  return p.reduce((s, a, i) => s + (a > 0 ? a * Math.log(a / q[i]) : a === 0 && q[i] >= 0 ? 0 : NaN), 0);
}

const number = (word) => Buffer.from(word, "hex").readDoubleBE();
const numbers = (words) => (words ? words.split(" ").map(number) : []);
let right = 0, total = 0;
for (const line of readFileSync(0, "utf8").split("\n")) {
  if (!line || line.startsWith("#")) continue;
  const [id, , , p, q, , , ranges, nan, reject] = line.split(",");
  let ok;
  try {
    const x = kl(numbers(p), numbers(q));
    ok = Number.isNaN(x) ? nan === "1" : ranges !== "" && ranges.split(" ").some((r) => { const [lo, hi] = r.split(":").map(number); return lo <= x && x <= hi; });
  } catch { ok = reject === "1"; }
  total++;
  if (ok) right++; else console.error("wrong:", id);
}
console.log(`${right} of ${total} right`);
