"""An adapter for klconf: replace this function kl by your own call.

kl gets P and Q as tuples of floats and returns D(P‖Q); a ValueError is a
refusal. The rest is the protocol KLAP/1. Standard output belongs to it: print
to sys.stderr.
"""

import base64, json, math, struct, sys

def kl(p, q):  # what is graded
    if any(math.isnan(x) for x in p + q):
        return math.nan
    if any(x < 0 or x == math.inf for x in p + q):
        raise ValueError("a weight is negative or infinite")
    if any(a > 0 == b for a, b in zip(p, q)):
        return math.inf
    return sum((a * (math.log(a) - math.log(b)) for a, b in zip(p, q) if a > 0), 0.0)

def data(buf):
    if "bytes" in buf:
        return sys.stdin.buffer.read(buf["bytes"])
    if "b64" in buf:
        return base64.b64decode(buf["b64"])
    return b"".join(bytes.fromhex(word)[::-1] for word in buf["hex"])

def answer(m, bufs):
    if m["op"] == "hello":
        return {"status": "ok", "protocol": 1, "name": "example", "version": "1", "language": "Python",
                "ops": ["kl"], "dtypes": ["f64"], "encodings": ["frame", "b64", "hex"], "deterministic": True}
    if m["op"] == "bye":
        return {"status": "ok"}
    if m["op"] != "kl" or m.get("options") or [b["dtype"] for b in m.get("bufs", [])] != ["f64", "f64"]:
        return {"status": "unsupported", "message": "only kl of two f64 vectors, without options"}
    p, q = (struct.unpack(f"<{len(b) // 8}d", b) for b in bufs)
    if len(p) != len(q):
        return {"status": "rejected", "kind": "length", "message": f"{len(p)} and {len(q)} elements"}
    try:
        bits = struct.pack(">d", kl(p, q)).hex()
    except ValueError as e:
        return {"status": "rejected", "kind": "domain", "message": str(e)}
    return {"status": "ok", "bufs": [{"name": "kl", "dtype": "f64", "shape": [], "hex": [bits]}]}

for line in sys.stdin.buffer:
    m = json.loads(line)
    bufs = [data(b) for b in m.get("bufs", [])]
    print(json.dumps({"id": m["id"], **answer(m, bufs)}), flush=True)
    if m["op"] == "bye":
        break
