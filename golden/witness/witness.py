# /// script
# requires-python = ">=3.11"
# dependencies = ["python-flint==0.9.0", "mpmath==1.4.1", "scipy==1.17.1", "numpy==2.4.6"]
# ///
"""A second opinion on every golden vector, by two libraries that the suite does not use.

Each answer is derived anew from the bits of the inputs: special values from the rules of spec/README.md, finite ones
with the balls of Arb (python-flint) and with mpmath, by different formulas. The exit code is 1 where a stored
enclosure, the correctly rounded answer or a special value is contradicted.
"""

import argparse
import hashlib
import json
import math
import sys
import warnings
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import flint
import mpmath

MOST_BITS = 8000
NARROWER = 20  # Arb's ball is narrower than the stored enclosure by so many bits
SPARE = 64  # the stored enclosure is narrower than a step of the result by so many bits

# Bits of the significand, exponent of the least subnormal, bits of the format.
FORMATS = {"f64": (53, -1074, 64), "f32": (24, -149, 32), "f16": (11, -24, 16), "bf16": (8, -133, 16)}


class Wrong(Exception):
    """What is stored and what was found do not agree."""


# Numbers: bits, text, rounding.


def power(e):
    return Fraction(2) ** e


def decode(word, dtype):
    """The number of a word: a Fraction, or a float where it is NaN or infinite."""
    digits, least, size = FORMATS[dtype]
    if len(word) * 4 != size:
        raise Wrong(f"{word} is not a word of {dtype}")
    bits = int(word, 16)
    sign = -1 if bits >> (size - 1) else 1
    exponent = (bits >> (digits - 1)) & ((1 << (size - digits)) - 1)
    fraction = bits & ((1 << (digits - 1)) - 1)
    if exponent == (1 << (size - digits)) - 1:
        return math.nan if fraction else sign * math.inf
    if exponent:
        return sign * (fraction + (1 << (digits - 1))) * power(least + exponent - 1)
    return sign * fraction * power(least)


def binade(x):
    """The floor of log2 of abs(x)."""
    x = abs(x)
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if x >= power(e) else e - 1


def step(x, dtype):
    """The exponent of the spacing of the format's numbers at x."""
    digits, least, _ = FORMATS[dtype]
    return max(binade(x) - digits + 1, least) if x else least


def encode(x, dtype):
    """The word nearest to x, ties to even; what rounds to zero is +0."""
    digits, least, size = FORMATS[dtype]
    e = step(x, dtype)
    scaled = abs(x) / power(e)
    n, rest = divmod(scaled.numerator, scaled.denominator)
    if 2 * rest > scaled.denominator or 2 * rest == scaled.denominator and n % 2:
        n += 1
    if n == 1 << digits:
        n, e = n >> 1, e + 1
    bits = n if n < 1 << (digits - 1) else ((e - least + 1) << (digits - 1)) + n - (1 << (digits - 1))
    bits = min(bits, ((1 << (size - digits)) - 1) << (digits - 1))
    if x < 0 and bits:
        bits |= 1 << (size - 1)
    return f"{bits:0{size // 4}x}"


def real(text):
    """A decimal integer, a hexadecimal float with any number of digits, or an infinity."""
    if text in ("+Inf", "-Inf"):
        return math.inf if text[0] == "+" else -math.inf
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    if not digits.startswith("0x"):
        return Fraction(sign * int(digits))
    mantissa, _, exponent = digits[2:].partition("p")
    whole, _, part = mantissa.partition(".")
    return sign * Fraction(int(whole + part, 16), 16 ** len(part)) * power(int(exponent or "0"))


# What is asked.

QUANTITIES = {"kl": 2, "cross_entropy": 2, "js": 2, "entropy": 1}
# When cases meet, the first of these decides.
ORDER = ["nan", "outside", "infinite", "finite"]


class Question:
    def __init__(self, v):
        self.quantity = v["op"].removesuffix("_rows")
        self.rows = v["op"].endswith("_rows")
        arity = QUANTITIES[self.quantity]
        if ("q" in v) != (arity == 2):
            raise Wrong(f"{v['op']} does not have {arity} arrays")
        options = dict(v.get("options") or {})
        self.reduction = options.pop("reduction", None)
        base = options.pop("base", "e")
        self.base = None if base == "e" else real(base)
        narrow = v["dtype"] in ("f16", "bf16")
        self.result = options.pop("result_dtype", "f32" if narrow else v["dtype"])
        if options:
            raise Wrong(f"the options {sorted(options)} are unknown here")
        self.shape = v.get("shape", [len(v["p"])])
        self.matches = v.get("q_shape", self.shape) == self.shape
        self.p = [decode(w, v["dtype"]) for w in v["p"]]
        self.q = [decode(w, v["dtype"]) for w in v["q"]] if arity == 2 else None

    def answers(self):
        """Each of the answers as (kind, pairs, divisor); pairs are (p, q), q None for one array."""
        q = self.q or [None] * len(self.p)
        pairs = list(zip(self.p, q, strict=True))
        if not self.rows:
            return [(self.kind(pairs), pairs, 1)]
        count, n = self.shape
        rows = [pairs[i * n : (i + 1) * n] for i in range(count)]
        if self.reduction is None:
            return [(self.kind(row), row, 1) for row in rows]
        divisor = {"sum": 1, "mean": count * n, "batchmean": count}[self.reduction]
        kind = min((self.kind(row) for row in rows), key=ORDER.index, default="finite")
        return [("nan" if divisor == 0 else kind, pairs, divisor)]

    def kind(self, pairs):
        numbers = [x for pair in pairs for x in pair if x is not None]
        if any(isinstance(x, float) and math.isnan(x) for x in numbers):
            return "nan"
        if any(isinstance(x, float) or x < 0 for x in numbers):
            return "outside"
        if self.quantity in ("kl", "cross_entropy") and any(p > 0 == q for p, q in pairs):
            return "infinite"
        return "finite"

    def logarithms(self, pairs):
        """(c, r) such that the value before base and divisor is Σ c ln r."""
        half = Fraction(1, 2)
        for p, q in pairs:
            match self.quantity:
                case "kl" if p:
                    yield p, p / q
                case "entropy" if p:
                    yield p, 1 / p
                case "cross_entropy" if p:
                    yield p, 1 / q
                case "js" if p or q:
                    middle = (p + q) / 2
                    if p:
                        yield p * half, p / middle
                    if q:
                        yield q * half, q / middle

    def bits(self, pairs, tolerance):
        """The precision that makes the value good to about 2^tolerance."""
        total = sum(x for pair in pairs for x in pair if x)
        bits = 32 - tolerance + len(pairs).bit_length()
        bits += binade(total) + 12 if total else 0
        if self.base is not None:
            bits += max(0, -binade(self.base - 1)) + 12
        return max(96, bits)

    # Arb: balls, one logarithm of a quotient for each term.

    def arb(self, pairs, divisor, bits):
        flint.ctx.prec = bits
        total = flint.arb(0)
        for c, r in self.logarithms(pairs):
            total += flint.arb(fmpq(c)) * flint.arb(fmpq(r)).log()
        total /= divisor
        if self.base is not None:
            total /= flint.arb(fmpq(self.base)).log()
        return exact(total.lower()), exact(total.upper())

    # mpmath: the logarithms of the weights apart, without quotients.

    def mpmath(self, pairs, divisor, bits):
        with mpmath.workprec(bits):
            total = mpmath.mpf(0)
            for p, q in pairs:
                p, q = number(p), None if q is None else number(q)
                match self.quantity:
                    case "kl":
                        total += p * mpmath.log(p) - p * mpmath.log(q) if p else 0
                    case "entropy":
                        total -= xlogx(p)
                    case "cross_entropy":
                        total -= p * mpmath.log(q) if p else 0
                    case "js":
                        total += (xlogx(p) + xlogx(q)) / 2 - xlogx((p + q) / 2)
            total /= divisor
            if self.base is not None:
                total /= mpmath.log(number(self.base))
            sign, man, e, _ = total._mpf_
            return (-1 if sign else 1) * int(man) * power(int(e))

    # Rational values. The logarithms of integers that are coprime by pairs are independent over the rationals, so that
    # exponents decide; and with natural logarithms a rational value is 0 (Lindemann).

    def rational(self, pairs, divisor):
        exponents = {}
        for c, r in self.logarithms(pairs):
            add(exponents, r.numerator, c)
            add(exponents, r.denominator, -c)
        of_base = {}
        if self.base is not None:
            add(of_base, self.base.numerator, 1)
            add(of_base, self.base.denominator, -1)
        value = refine(list(exponents.items()), list(of_base.items()))
        return None if value is None else value / divisor


def xlogx(x):
    return x * mpmath.log(x) if x else x


def number(x):
    return mpmath.mpf(x.numerator) / mpmath.mpf(x.denominator)


def fmpq(x):
    x = Fraction(x)
    return flint.fmpq(x.numerator, x.denominator)


def exact(x):
    man, e = x.man_exp()
    return int(man) * power(int(e))


def add(exponents, n, c):
    if n != 1:
        exponents[n] = exponents.get(n, 0) + c


def refine(values, bases):
    """The rational v with Σ c ln n over values = v · Σ c ln n over bases, or None. Without bases only v = 0 does."""
    coprime = []
    todo = [n for n, _ in values + bases]
    while todo:
        n = todo.pop()
        for i, g in enumerate(coprime):
            d = math.gcd(n, g)
            if d > 1:
                if d < g:
                    coprime[i : i + 1] = []
                    todo += [d, g // d]
                todo += [n // d] if n > d else []
                break
        else:
            coprime.append(n)

    def exponents(terms):
        found = dict.fromkeys(coprime, Fraction(0))
        for n, c in terms:
            for g in coprime:
                while n % g == 0:
                    n //= g
                    found[g] += c
            assert n == 1
        return found

    left, right = exponents(values), exponents(bases)
    v = next((left[g] / right[g] for g in coprime if right[g]), Fraction(0))
    return v if all(left[g] == v * right[g] for g in coprime) else None


# The comparison.


class Tally:
    def __init__(self):
        self.vectors = 0
        self.kinds = {"finite": 0, "infinite": 0, "nan": 0, "nan_or_refusal": 0, "refusal": 0}
        self.arb = self.mpmath = self.rational = self.bits = 0
        self.apart = (Fraction(0), "")


EMPTY = {"set": [], "nan": False, "reject": False}
SPECIAL = {
    "mismatch": EMPTY | {"reject": True},
    "nan": EMPTY | {"nan": True},
    "outside": EMPTY | {"nan": True, "reject": True},
}
NAMES = {"mismatch": "refusal", "nan": "nan", "outside": "nan_or_refusal", "infinite": "infinite", "finite": "finite"}


def check(v, tally):
    """Compares one vector."""
    q = Question(v)
    tally.vectors += 1
    stored = v["expected"]
    if not q.matches:
        special(stored, "mismatch", q, tally)
        return
    answers = q.answers()
    many = q.rows and q.reduction is None
    if isinstance(stored, list) != many or many and len(stored) != len(answers):
        raise Wrong("the number of answers is another")
    for i, (answer, one) in enumerate(zip(answers, stored if many else [stored])):
        try:
            if answer[0] == "finite":
                finite(v["id"], one, q, *answer[1:], tally)
                tally.kinds["finite"] += 1
            else:
                special(one, answer[0], q, tally)
        except Wrong as e:
            raise Wrong(f"row {i}: {e}" if many else str(e)) from None


def special(stored, kind, q, tally):
    want = SPECIAL.get(kind)
    if kind == "infinite":
        below = q.base is not None and q.base < 1
        text = "-Inf" if below else "+Inf"
        digits, _, size = FORMATS[q.result]
        bits = ((1 << (size - digits)) - 1) << (digits - 1) | below << (size - 1)
        want = EMPTY | {"set": [{"lo": text, "hi": text}], "rn": f"{bits:0{size // 4}x}"}
    if stored != want:
        raise Wrong(f"{json.dumps(want)} is right by the rule for {NAMES[kind]}, stored is {json.dumps(stored)}")
    tally.kinds[NAMES[kind]] += 1


def finite(id, stored, q, pairs, divisor, tally):
    if stored["nan"] or stored["reject"] or len(stored["set"]) != 1:
        raise Wrong("the value is finite, and something else is stored")
    lo, hi = (real(stored["set"][0][x]) for x in ("lo", "hi"))
    if isinstance(lo, float) or isinstance(hi, float) or lo > hi:
        raise Wrong("the value is finite, and the enclosure is none")
    middle = (lo + hi) / 2
    ulp = step(middle, q.result)
    zero = encode(lo, q.result) == encode(hi, q.result) == encode(Fraction(0), q.result)
    if hi - lo > power(ulp - (0 if zero else SPARE)):  # what rounds to 0 need not be narrower than the format can show
        raise Wrong(f"the enclosure is {abs_ulp(hi - lo, ulp)} ulp wide")
    if ("w" in stored) != (hi > lo) or hi > lo and hi - lo > power(-stored["w"]):
        raise Wrong("the enclosure is not as w says")

    # Both witnesses are made good to 2^tolerance.
    tolerance = binade(hi - lo) - NARROWER if hi > lo else ulp - SPARE - NARROWER
    first = bits = q.bits(pairs, tolerance)

    # A value that is rational is known exactly, and balls cannot decide about it.
    low, high = q.arb(pairs, divisor, min(bits, MOST_BITS))
    value = q.rational(pairs, divisor) if q.base is not None or low <= 0 <= high else None
    while high - low > power(tolerance) or value is None and encode(low, q.result) != encode(high, q.result):
        bits *= 2
        if bits > MOST_BITS:
            raise Wrong(f"Arb does not decide with {MOST_BITS} bits")
        low, high = q.arb(pairs, divisor, bits)
    tally.bits = max(tally.bits, bits)
    if value is not None:
        tally.rational += 1
        if not low <= value <= high:
            raise Wrong("Arb's ball does not contain the rational value: this program is wrong")
        if not lo <= value <= hi:
            raise Wrong(f"the enclosure lacks the value, which is rational and about {brief(value)}")
    elif lo == hi:
        raise Wrong("the enclosure is a point, and the value is not rational")
    elif not lo <= low <= high <= hi:
        raise Wrong(f"the enclosure does not contain Arb's ball: it is off by {abs_ulp(low - middle, ulp)} ulp")
    rn = encode(low if value is None else value, q.result)
    if rn != stored.get("rn"):
        raise Wrong(f"{rn} is correctly rounded, stored is {stored.get('rn')}")
    tally.arb += 1

    other = q.mpmath(pairs, divisor, first + 32)
    room = power(ulp - SPARE) if lo == hi else 0
    if not lo - room <= other <= hi + room:
        raise Wrong(f"the enclosure does not contain mpmath's value: it is off by {abs_ulp(other - middle, ulp)} ulp")
    tally.mpmath += 1
    tally.apart = max(tally.apart, (abs(other - middle) / power(ulp), id))


def abs_ulp(x, ulp):
    return brief(abs(x) / power(ulp))


def brief(x):
    """Two digits of a fraction that may be beyond the floats."""
    with mpmath.workprec(60):
        return mpmath.nstr(number(Fraction(x)), 2, min_fixed=-2, max_fixed=5)


# SciPy, for the record.


def scipy_misses(vectors):
    import numpy
    from scipy import special as sc
    from scipy.stats import entropy

    functions = {
        "stats.entropy": lambda p, q: entropy(p, q),
        "special.rel_entr": lambda p, q: sc.rel_entr(p, q).sum(),
        "special.kl_div": lambda p, q: sc.kl_div(p, q).sum(),
    }
    record = {f: {c: {"asked": 0, "beyond_l1": 0, "misses": {}} for c in ("pmf", "measure")} for f in functions}
    for v in vectors:
        if v["op"] != "kl" or v["dtype"] != "f64" or v.get("options") or v["class"] not in ("pmf", "measure"):
            continue
        if not v["expected"]["set"]:
            continue
        p, q = ([decode(w, "f64") for w in v[x]] for x in "pq")
        k = real(v["expected"]["set"][0]["lo"])
        right = decode(v["expected"]["rn"], "f64")
        for name, f in functions.items():
            with warnings.catch_warnings(), numpy.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                got = float(f(*(numpy.array([float(x) for x in y], dtype=numpy.float64) for y in (p, q))))
            one = record[name][v["class"]]
            one["asked"] += 1
            if not math.isfinite(got) or isinstance(right, float):
                if got != right:
                    one["beyond_l1"] += 1
                    one["misses"][v["id"]] = str(got) if not math.isfinite(got) else "finite"
                continue
            off = abs(Fraction(got) - k)
            one["beyond_l1"] += off > level1(p, q, k)
            if off > 10**6 * power(step(k, "f64")):
                one["misses"][v["id"]] = abs_ulp(off, step(k, "f64"))
    return record


def level1(p, q, k):
    """The bound of level L1 for float64."""
    with mpmath.workprec(120):
        mass = mpmath.mpf(0)
        for a, b in zip(p, q):
            if a:
                la, lb = mpmath.log(number(a)), mpmath.log(number(b))
                mass += number(a) * (abs(la - lb) + 1 + abs(la) + abs(lb))
        bound = mpmath.ldexp(1, step(k, "f64") - 1) + 2 * (len(p) + 4) * mpmath.ldexp(mass, -53)
        bound += len(p) * mpmath.ldexp(1, -1074)
        sign, man, e, _ = bound._mpf_
        return int(man) * power(int(e))


# The command.


def versions():
    return {name: version(name) for name in ("python-flint", "mpmath", "scipy", "numpy")}


def spoil(vectors, kind):
    """Changes one vector in memory so that it is wrong and tells its id."""
    for v in vectors:
        e = v["expected"]
        if isinstance(e, list):
            continue
        point = e["set"] and e["set"][0]["lo"] == e["set"][0]["hi"]
        infinite = e["set"] and e["set"][0]["lo"].endswith("Inf")
        match kind:
            case "enclosure" if e["set"] and not point:  # the same width, next to where it was
                lo, hi = (real(e["set"][0][x]) for x in ("lo", "hi"))
                e["set"][0] = {"lo": hexadecimal(hi), "hi": hexadecimal(2 * hi - lo)}
            case "point" if point and not infinite and e["set"][0]["lo"] != "0x0p+00":
                x = hexadecimal(real(e["set"][0]["lo"]) + power(-1500))
                e["set"][0] = {"lo": x, "hi": x}
            case "rn" if e["set"] and not infinite:
                e["rn"] = f"{int(e['rn'], 16) ^ 1:0{len(e['rn'])}x}"
            case "special" if e["nan"] != e["reject"]:
                e["nan"], e["reject"] = e["reject"], e["nan"]
            case "infinity" if infinite:
                e["set"][0] = {"lo": "0x1p+1024", "hi": "0x1p+1024"}
            case _:
                continue
        return v["id"]
    raise SystemExit(f"no vector can be spoilt in the way {kind}")


def hexadecimal(x):
    """A dyadic number as text."""
    return f"{'-' if x < 0 else ''}0x{abs(x.numerator):x}p{1 - x.denominator.bit_length():+d}"


def main():
    parser = argparse.ArgumentParser(description="a second opinion on every golden vector")
    parser.add_argument("--tenth", action="store_true", help="only a tenth, always the same, chosen by the ids")
    parser.add_argument("--write", metavar="RECORD", type=Path, help="write what was found to this file")
    parser.add_argument("--versions", action="store_true", help="print the versions of the libraries and nothing else")
    kinds = ["enclosure", "point", "rn", "special", "infinity"]
    parser.add_argument("--spoil", nargs="?", const="enclosure", choices=kinds,
                        help="change one vector in memory first; that must be noticed")
    options = parser.parse_args()
    if options.versions:
        print(json.dumps(versions()))
        return 0
    if options.write and (options.tenth or options.spoil):
        parser.error("a record is of all vectors, as they are")

    folder = Path(__file__).resolve().parents[1] / "vectors"
    vectors = [v for f in sorted(folder.glob("*.json")) for v in json.loads(f.read_text("utf-8"))["vectors"]]
    if options.tenth:
        vectors = [v for v in vectors if int(hashlib.sha256(v["id"].encode()).hexdigest(), 16) % 10 == 0]
    if not vectors:
        raise SystemExit("there are no vectors")
    if options.spoil:
        print("spoilt", spoil(vectors, options.spoil))

    tally, wrong = Tally(), 0
    for v in vectors:
        try:
            check(v, tally)
        except Wrong as e:
            wrong += 1
            print(f"wrong {v['id']}: {e}")
    if tally.arb != tally.kinds["finite"] or tally.mpmath != tally.kinds["finite"]:
        wrong += not wrong
    apart = {"ulp": brief(tally.apart[0]), "id": tally.apart[1]}
    print(f"{tally.vectors} vectors, {wrong} wrong; finite values: Arb {tally.arb}, mpmath {tally.mpmath}, "
          f"{tally.rational} of them rational; others: {sum(tally.kinds.values()) - tally.kinds['finite']}; "
          f"largest disagreement {apart['ulp']} ulp")
    if wrong:
        return 1
    if options.write:
        record = {
            "versions": versions(),
            "vectors": tally.vectors,
            "values": tally.kinds,
            "checked": {"arb": tally.arb, "mpmath": tally.mpmath, "rational": tally.rational},
            "most_bits": tally.bits,
            "largest_disagreement": apart,
            "scipy": scipy_misses(vectors),
        }
        options.write.write_text(json.dumps(record, indent=1) + "\n", "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
