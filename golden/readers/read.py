# klconf export --format csv | python3 read.py
import math, struct, sys

def kl(p, q):  # the function under test; an exception is a refusal
    if len(p) != len(q):
        raise ValueError("lengths")
    return math.fsum(a * math.log(a / b) if a > 0 < b else math.inf if a > 0 == b else 0.0 if a == 0 <= b else math.nan for a, b in zip(p, q))

number = lambda word: struct.unpack(">d", bytes.fromhex(word))[0]
right = total = 0
for line in sys.stdin:
    if line.startswith("#"):
        continue
    id, dtype, shape, p, q, result, rn, ranges, nan, reject = line.rstrip("\n").split(",")
    try:
        x = kl([*map(number, p.split())], [*map(number, q.split())])
        ok = nan == "1" if math.isnan(x) else any(number(lo) <= x <= number(hi) for lo, hi in (r.split(":") for r in ranges.split()))
    except (ValueError, OverflowError):
        ok = reject == "1"
    total += 1
    right += ok
    ok or print("wrong:", id, file=sys.stderr)
print(f"{right} of {total} right")
