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
import copy
import functools
import gzip
import hashlib
import json
import math
import multiprocessing
import struct
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
FORMATS = {"f64": (53, -1074, 64), "f32": (24, -149, 32), "f16": (11, -24, 16), "bf16": (8, -133, 16), "f8e4m3": (4, -9, 8), "f8e5m2": (3, -16, 8)}


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
    if exponent == (1 << (size - digits)) - 1 and dtype != "f8e4m3":
        return math.nan if fraction else sign * math.inf
    if dtype == "f8e4m3" and bits & 0x7F == 0x7F:  # no infinity, and one NaN a sign
        return math.nan
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

QUANTITIES = {"kl": 2, "cross_entropy": 2, "js": 2, "entropy": 1, "kl_estimate": 2}
# When cases meet, the first of these decides.
ORDER = ["nan", "outside", "infinite", "finite"]


# Where the numbers come from: words, a generator, or rows of a file.

MASK64 = (1 << 64) - 1
FOLDER = Path(__file__).resolve().parents[1]
LOGITS = "smollm2-logits-4x49152.f32"
LOGITS_SHA256 = "4fda3b05d1574a9367e44e2379d7d607f7aa0a40355ff62a80b4b29abe324ae5"


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK64
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK64
        yield z ^ z >> 31


def generate(g, dtype):
    """P and Q of a generator, by the description in ../README.md."""
    if g["name"] != "splitmix64" or len(g["seed"]) != 16:
        raise Wrong(f"the generator {g} is unknown here")
    digits, n, kind = FORMATS[dtype][0], g["n"], g["kind"]
    numbers = splitmix64(int(g["seed"], 16))
    p, q = [], []
    for i in range(n):
        a, b = next(numbers), next(numbers)
        match kind:
            case "pmf":
                share = 64 - digits + n.bit_length()
                unit = power(-digits)
                if i < n - 1:
                    p.append((1 + (a >> share)) * unit)
                    q.append((1 + (b >> share)) * unit)
                else:
                    p.append(1 - sum(p))
                    q.append(1 - sum(q))
            case "softmax" | "near" | "zeros":
                m, e = 2 * (a >> (66 - digits)) + 1, -digits - a % 16 - a // 16 % 16
                k, f = 2 * (b >> (66 - digits)) + 1, e + 1 - b % 4
                if kind == "near":
                    reach = 1 << (digits // 2 - 6)
                    k, f = m + b % (2 * reach) - reach, e
                    k = k if k > 0 else m
                if kind == "zeros" and a >> 8 & 3 == 0:
                    m, k = 0, k if b >> 8 & 1 else 0
                p.append(m * power(e))
                q.append(k * power(f))
            case "even" | "tail":
                light = kind == "tail" and i < n - 17
                p.append(power(-24) if light else Fraction(16 + (a >> 62), 16))
                q.append(power(-24) if light else Fraction(16 + (b >> 62), 1024))
            case _:
                raise Wrong(f"the kind {kind} is unknown here")
    return p, q


@functools.cache
def logits():
    raw = gzip.decompress((FOLDER / "data" / (LOGITS + ".gz")).read_bytes())
    if hashlib.sha256(raw).hexdigest() != LOGITS_SHA256:
        raise SystemExit(f"{LOGITS} is not the file that was described")
    return [[x[0] for x in struct.iter_unpack("<f", raw[4 * 49152 * i : 4 * 49152 * (i + 1)])] for i in range(8)]


@functools.cache
def stored_row(i, dtype):
    """A row of the file, each number rounded to the format."""
    return [decode(encode(Fraction(x), dtype), dtype) for x in logits()[i]]


def stored_rows(data, dtype, columns):
    if data["file"] != LOGITS:
        raise Wrong(f"the file {data['file']} is unknown here")
    return tuple([x for i in data.get(side, []) for x in stored_row(i, dtype)[:columns]] for side in "pq")


def arrays(v):
    """P and Q of a vector, Q None for one array, without what is masked."""
    one = QUANTITIES[v["op"].removesuffix("_rows").removesuffix("_logits").removesuffix("_logprobs")] == 1
    if "generator" in v:
        p, q = generate(v["generator"], v["dtype"])
    elif "data" in v:
        p, q = stored_rows(v["data"], v["dtype"], v["shape"][-1])
    else:
        p = [decode(w, v["dtype"]) for w in v["p"]]
        q = [decode(w, v["dtype"]) for w in v.get("q", [])]
    return p, None if one else q


class Question:
    each = False  # one number for each element

    def __init__(self, v):
        self.quantity = v["op"].removesuffix("_rows").removesuffix("_logits").removesuffix("_logprobs")
        self.rows = v["op"].endswith("_rows")
        self.domain = next((d for d in ("logits", "logprobs") if "_" + d in v["op"]), "weights")
        if self.quantity not in QUANTITIES:
            raise Wrong(f"{v['op']} is unknown here")
        if "p" in v and ("q" in v) != (QUANTITIES[self.quantity] == 2):
            raise Wrong(f"{v['op']} does not have {QUANTITIES[self.quantity]} arrays")
        options = dict(v.get("options") or {})
        self.convention = v.get("convention")
        c = self.convention or {}
        self.reduction = options.pop("reduction", c.get("reduction"))
        base = options.pop("base", c.get("base", "e"))
        self.base = None if base == "e" else real(base)
        self.scale = real(c.get("scale", "1"))
        self.temperature = real(options.pop("temperature", "1")) if self.domain == "logits" else 1
        narrow = FORMATS[v["dtype"]][2] < 32
        default = c.get("result_dtype", {}).get(v["dtype"], "f32" if narrow else v["dtype"])
        self.result = options.pop("result_dtype", default)
        self.beta = real(options.pop("beta", "0x1p-1"))
        self.estimator = options.pop("estimator", None)
        self.grad = options.pop("grad", None)
        if options:
            raise Wrong(f"the options {sorted(options)} are unknown here")
        self.dtype = v["dtype"]
        self.shape = v["shape"]
        self.q_shape = v.get("q_shape", self.shape)
        self.matches = self.q_shape == self.shape
        self.p, self.q = arrays(v)
        # Every number of the arrays: kept, or masked.
        self.keep = [w != "00" for w in v["mask"]] if "mask" in v else None

    def answers(self):
        """Each of the answers as (kind, pairs, divisor); pairs are (p, q), q None for one array."""
        rows = self.pairs(self.p, self.q or [None] * len(self.p))
        if not self.rows:
            return [(self.kind(rows[0]), rows[0], 1)]
        if self.reduction is None:
            return [(self.kind(row), row, 1) for row in rows]
        pairs = [x for row in rows for x in row]
        divisor = {"sum": 1, "mean": len(pairs), "batchmean": len(rows)}[self.reduction]
        kind = min((self.kind(row) for row in rows), key=ORDER.index, default="finite")
        return [("nan" if divisor == 0 else kind, pairs, divisor)]

    def pairs(self, p, q):
        """The rows of pairs, without what is masked."""
        n = self.shape[-1] if self.rows else len(p)
        count = self.shape[0] if self.rows else 1
        keep = self.keep or [True] * len(p)
        whole = list(zip(p, q, keep, strict=True))
        return [[(a, b) for a, b, k in whole[i * n : (i + 1) * n] if k] for i in range(count)]

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
        for p, q in pairs:
            match self.quantity:
                case "kl" if p:
                    yield p, p / q
                case "entropy" if p:
                    yield p, 1 / p
                case "cross_entropy" if p:
                    yield p, 1 / q
                case "js" if p or q:
                    middle = self.beta * p + (1 - self.beta) * q
                    if p and self.beta:
                        yield p * self.beta, p / middle
                    if q and self.beta != 1:
                        yield q * (1 - self.beta), q / middle

    def linear(self, pairs):
        """A rational number that is added to the sum of logarithms."""
        return 0

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
        total = flint.arb(fmpq(self.linear(pairs)))
        for c, r in self.logarithms(pairs):
            total += flint.arb(fmpq(c)) * flint.arb(fmpq(r)).log()
        total *= fmpq(self.scale / divisor)
        if self.base is not None:
            total /= flint.arb(fmpq(self.base)).log()
        return exact(total.lower()), exact(total.upper())

    # mpmath: the logarithms of the weights apart, without quotients.

    def terms(self, pairs):
        """The terms by logarithms of the weights apart, each with the weight that it has in P."""
        ln = lambda x: mpmath.log(number(x))
        for p, q in pairs:
            match self.quantity:
                case "kl" if p:
                    yield number(p) * ln(p) - number(p) * ln(q), p
                case "entropy" if p:
                    yield -number(p) * ln(p), p
                case "cross_entropy" if p:
                    yield -number(p) * ln(q), p
                case "js":
                    for x, w in ((p, self.beta), (q, 1 - self.beta)):
                        if x and w:
                            yield number(w * x) * ln(x) - number(w * x) * ln(self.beta * p + (1 - self.beta) * q), w * x

    def mpmath(self, pairs, divisor, bits):
        """The value, and its condition number or None."""
        with mpmath.workprec(bits):
            linear = number(Fraction(self.linear(pairs)))
            total, mass, weight = mpmath.mpf(0), mpmath.mpf(0), Fraction(0)
            for t, p in self.terms(pairs):
                total += t
                mass += abs(t)
                weight += abs(p)
            total += linear
            both = self.linear_mass(pairs)
            cond = (mass + number(2 * both if both else weight)) / abs(total) if total else None
            total *= number(self.scale / divisor)
            if self.base is not None:
                total /= mpmath.log(number(self.base))
            sign, man, e, _ = total._mpf_
            return (-1 if sign else 1) * int(man) * power(int(e)), cond

    def linear_mass(self, pairs):
        return 0

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
        return None if value is None else (value + self.linear(pairs)) * self.scale / divisor


# Logits and log-probabilities.


class Exponents(Question):
    """A question on logits a, b with the weights e^a/Σe^a, or on log-probabilities with the weights e^a."""

    def answers(self):
        rows = self.pairs(self.p, self.q or self.p)
        kinds = [self.kind(row) for row in rows]
        if not self.rows or self.reduction is None:
            return [(k, [row], 1) for k, row in zip(kinds, rows)]
        divisor = {"sum": 1, "mean": sum(map(len, rows)), "batchmean": len(rows)}[self.reduction]
        return [("nan" if divisor == 0 else min(kinds, key=ORDER.index), rows, divisor)]

    def kind(self, row):
        flat = [x for pair in row for x in pair]
        if any(isinstance(x, float) and math.isnan(x) for x in flat):
            return "nan"
        if math.inf in flat:
            return "outside"
        if self.domain == "logits" and any(all(x == -math.inf for x in side) for side in zip(*row)):
            return "nan"
        if self.quantity != "entropy" and any(b == -math.inf < a for a, b in row):
            return "infinite"
        return "finite"

    def number(self, a, b):
        """What is averaged: ln of the ratio, or of the inverse."""
        return {"kl": a - b, "entropy": -a, "cross_entropy": -b}[self.quantity]

    def bits(self, rows, tolerance):
        return max(160, 160 - tolerance)

    # Arb: the weights less their largest, as a softmax is computed.

    def arb(self, rows, divisor, bits):
        flint.ctx.prec = bits
        total = flint.arb(0)
        for row in rows:
            logs = []
            for side in zip(*row):
                x = [None if isinstance(v, float) else flint.arb(fmpq(v / self.temperature)) for v in side]
                shift = flint.arb(0)
                if self.domain == "logits":
                    top = flint.arb(fmpq(max(v for v in side if not isinstance(v, float)) / self.temperature))
                    shift = top + sum(((v - top).exp() for v in x if v is not None), flint.arb(0)).log()
                logs.append([None if v is None else v - shift for v in x])
            for a, b in zip(*logs):
                if a is not None:
                    total += a.exp() * self.number(a, b if b is not None else 0)
        total /= divisor
        if self.base is not None:
            total /= flint.arb(fmpq(self.base)).log()
        return exact(total.lower()), exact(total.upper())

    # mpmath: sums of e^a and of e^a·(a − b) as they are; its exponents have no limits.

    def mpmath(self, rows, divisor, bits):
        with mpmath.workprec(bits):
            total = mpmath.mpf(0)
            for row in rows:
                finite = [(number(a / self.temperature), number(b / self.temperature) if not isinstance(b, float) else 0)
                          for a, b in row if not isinstance(a, float)]
                ea = [mpmath.exp(a) for a, _ in finite]
                value = mpmath.fsum(w * self.number(a, b) for w, (a, b) in zip(ea, finite))
                if self.domain == "logits":
                    value /= mpmath.fsum(ea)
                    lse_a = mpmath.log(mpmath.fsum(ea))
                    eb = (mpmath.exp(number(b / self.temperature)) for _, b in row if not isinstance(b, float))
                    lse_b = mpmath.log(mpmath.fsum(eb)) if self.quantity != "entropy" else 0
                    value += {"kl": lse_b - lse_a, "entropy": lse_a, "cross_entropy": lse_b}[self.quantity]
                total += value
            total /= divisor
            if self.base is not None:
                total /= mpmath.log(number(self.base))
            sign, man, e, _ = total._mpf_
            return (-1 if sign else 1) * int(man) * power(int(e)), None

    # Rational values. Of log-probabilities a value is rational when the numbers of every weight other than e^0 cancel
    # (Lindemann and Weierstrass). Of logits it is 0 when they differ by a constant, or one class has all of the mass; other rational values are not known.

    def rational(self, rows, divisor):
        if self.base is not None and self.domain == "logprobs":
            return None
        value = Fraction(0)
        for row in rows:
            if self.domain == "logits" and self.quantity != "kl":
                # One class that has all of the mass.
                side = 0 if self.quantity == "entropy" else 1
                if sum(pair[side] != -math.inf for pair in row) != 1:
                    return None
                continue
            if self.domain == "logits":
                constant = {self.number(a, b) if not isinstance(a, float) and not isinstance(b, float) else None if a != b else "mask"
                            for a, b in row} - {"mask"}
                if len(constant) > 1 or None in constant:
                    return None
                continue
            groups = {}
            for a, b in row:
                if not isinstance(a, float):
                    groups[a] = groups.get(a, 0) + self.number(a, 0 if isinstance(b, float) else b)
            if any(x for a, x in groups.items() if a):
                return None
            value += groups.get(0, 0)
        return value / divisor


# Estimators and derivatives.


class Elements(Question):
    """One number for each element: an estimator of single samples, or the derivative of the divergence by one array.

    A finite element is (i, row), and its value a formula of exp and log, which Arb and mpmath evaluate each with its own.
    """

    each = True

    def answers(self):
        if self.quantity == "kl_estimate":
            self.domain = "samples"
        elif self.quantity != "kl" or self.grad not in ("p", "q"):
            raise Wrong("this derivative is unknown here")
        rows = self.pairs(self.p, self.q) if self.rows else [list(zip(self.p, self.q))]
        return [(self.kind(i, row), (i, row), 1) for row in rows for i in range(len(row))]

    def kind(self, i, row):
        p, q = row[i]
        isnan = lambda x: isinstance(x, float) and math.isnan(x)
        if any(map(isnan, row[i] if self.domain == "samples" else [x for pair in row for x in pair])):
            return "nan"
        match self.domain:
            case "samples" if q == -math.inf:
                return "above"
            case "logits" if any(all(x == -math.inf for x in side) for side in zip(*row)):
                return "nan"
            case "weights" if p > 0 == q:
                return "below" if self.grad == "q" else "above"
        return "finite"

    def formula(self, element, exp, log):
        i, row = element
        p, q = row[i]
        match self.domain, self.estimator or self.grad:
            case "samples", "k1":
                return p - q
            case "samples", "k2":
                return (q - p) ** 2 / 2
            case "samples", "k3":
                return exp(q - p) - 1 - (q - p)
            case "weights", "q":
                return -p / q if p else Fraction(0)
            case "weights", "p":
                return log(p / q) + 1
            case "logprobs", by:
                return 0 if p == -math.inf else exp(p) * (-1 if by == "q" else p - q + 1)
            case "logits", "q":
                sides = []
                for side in zip(*row):
                    top = max(x for x in side if not isinstance(x, float))
                    weights = [0 if isinstance(x, float) else exp((x - top) / self.temperature) for x in side]
                    sides.append(weights[i] / sum(weights))
                return (sides[1] - sides[0]) / self.temperature
        raise Wrong("this derivative is unknown here")

    def bits(self, element, tolerance):
        return max(256, 256 - tolerance)

    def arb(self, element, divisor, bits):
        flint.ctx.prec = bits
        x = self.formula(element, lambda x: Ball(flint.arb(fmpq(x)).exp()), lambda x: Ball(flint.arb(fmpq(x)).log()))
        if not isinstance(x, Ball):
            return Fraction(x), Fraction(x)
        return exact(x.x.lower()), exact(x.x.upper())

    def mpmath(self, element, divisor, bits):
        with mpmath.workprec(bits):
            x = self.formula(element, lambda x: Real(mpmath.exp(number(x))), lambda x: Real(mpmath.log(number(x))))
            if not isinstance(x, Real):
                return Fraction(x), None
            sign, man, e, _ = x.x._mpf_
            return (-1 if sign else 1) * int(man) * power(int(e)), None

    def rational(self, element, divisor):
        """A value is rational where no exponential or logarithm is left (Hermite and Lindemann), and 0 where two are one."""
        i, row = element
        p, q = row[i]
        if self.domain == "logits":
            apart = {None if (a == -math.inf) != (b == -math.inf) else a - b for a, b in row if (a, b) != (-math.inf, -math.inf)}
            both = p == q == -math.inf
            return Fraction(0) if both or len(apart) == 1 and None not in apart else None
        one = lambda x: Fraction(1) if x == 0 else None
        x = self.formula(element, lambda x: Known(one(x)), lambda x: Known(None if x != 1 else Fraction(0)))
        return x.x if isinstance(x, Known) else Fraction(x)


class Arithmetic:
    """A number of some library that mixes with fractions."""

    def __init__(self, x):
        self.x = x

    def to(self, y):
        return y.x if isinstance(y, Arithmetic) else self.of(Fraction(y))

    def __add__(self, y):
        return type(self)(self.x + self.to(y))

    def __sub__(self, y):
        return type(self)(self.x - self.to(y))

    def __mul__(self, y):
        return type(self)(self.x * self.to(y))

    def __truediv__(self, y):
        return type(self)(self.x / self.to(y))

    def __rsub__(self, y):
        return type(self)(self.to(y) - self.x)

    def __rtruediv__(self, y):
        return type(self)(self.to(y) / self.x)

    __radd__, __rmul__ = __add__, __mul__


class Ball(Arithmetic):
    of = staticmethod(lambda y: flint.arb(fmpq(y)))


class Real(Arithmetic):
    of = staticmethod(lambda y: number(y))


class Known(Arithmetic):
    """A rational number, or None for one that is none; 0 times it is 0."""

    def __add__(self, y):
        y = y.x if isinstance(y, Known) else Fraction(y)
        return Known(None if self.x is None or y is None else self.x + y)

    def __sub__(self, y):
        return self + -y

    def __mul__(self, y):
        return Known(Fraction(0) if y == 0 else None if self.x is None else self.x * y)

    __radd__, __rmul__ = __add__, __mul__


# Conventions.


class Term:
    """One pair under a convention: the factors and what stands inside the logarithm."""

    def __init__(self, p, q):
        self.p, self.q, self.x, self.y, self.dropped, self.ratio = p, q, p, q, False, Fraction(0)


class Follower(Question):
    """A question under a convention: kl only. A pair is a Term."""

    def answers(self):
        """Each answer as (kinds, terms, divisor): kinds is a set out of nan, reject, above, below, finite."""
        if self.quantity != "kl":
            raise Wrong("only kl is asked with a convention")
        shapes = self.fit()
        if shapes is None:
            return None
        rows = [self.row(*r) for r in shapes]
        if self.reduction in (None, "none") or not self.rows and self.reduction == "sum":
            return [(kinds, terms, 1) for kinds, terms in rows]
        if any(kinds != {"finite"} for kinds, _ in rows):
            raise Wrong("a reduction of rows that are not finite is unknown here")
        divisor = {"sum": 1, "mean": sum(len(p) for p, _ in shapes), "batchmean": len(rows)}[self.reduction]
        return [({"finite"}, [t for _, terms in rows for t in terms], divisor)]

    def fit(self):
        """The rows after what the convention does to shapes that do not match, or None where they are refused."""
        split = lambda x, shape: [x[i * shape[-1] : (i + 1) * shape[-1]] for i in range(shape[0])] if self.rows else [x]
        p, q = split(self.p, self.shape), split(self.q, self.q_shape)
        if self.matches:
            return list(zip(p, q))
        match self.convention.get("mismatch"):
            case "truncate" if not self.rows:
                n = min(len(p[0]), len(q[0]))
                return [(p[0][:n], q[0][:n])]
            case "broadcast":
                count, n = max(len(p), len(q)), max(len(p[0]), len(q[0]))
                if any(len(x) not in (1, count) or len(x[0]) not in (1, n) for x in (p, q)):
                    return None
                grow = lambda x: [(r * n if len(r) == 1 else r) for r in (x * count if len(x) == 1 else x)]
                return list(zip(grow(p), grow(q)))
        return None

    def at(self, v):
        return real(v[self.dtype] if isinstance(v, dict) else v)

    def row(self, p, q):
        c = self.convention
        word = lambda field: {"nan": {"nan"}, "reject": {"reject"}, "inf": {"above"}}[c[field]]
        if not p:
            return ({"finite"} if c.get("empty", "zero") == "zero" else word("empty")), []
        isnan = lambda x: isinstance(x, float) and math.isnan(x)
        if any(map(isnan, p + q)):
            match c.get("nan", "nan"):
                case "ignore":
                    p, q = map(list, zip(*((a, b) for a, b in zip(p, q) if not isnan(a) and not isnan(b))))
                case "nan":
                    return {"nan"}, []
                case _:
                    return word("nan"), []
        for field, there in (("negative", any(x < 0 for x in p + q)), ("infinite", any(isinstance(x, float) for x in p + q))):
            if there and c.get(field) != "value":
                return (word(field) if field in c else {"nan", "reject"}), []
        if c.get("requires_normalised", False) is not False:
            within = self.at(c["requires_normalised"])
            if any(abs(sum(x) - 1) > within for x in (p, q)):
                return {"reject"}, []
        if c.get("subnormal") == "flushed":
            digits, least, _ = FORMATS[self.dtype]
            normal = power(least + digits - 1)
            p, q = ([Fraction(0) if abs(x) < normal else x for x in y] for y in (p, q))

        terms = [Term(a, b) for a, b in zip(p, q)]
        for s in c.get("steps", []):
            if not self.step(s, terms):
                return {"nan", "reject", "finite"}, []  # 0/0: NaN, a refusal, or the sum of nothing

        kinds, left = set(), []
        self.generalised = c.get("generalised", False)
        for t in terms:
            if t.dropped:
                continue
            if self.generalised:
                for x, sign in ((t.q, 1), (t.p, -1)):
                    if isinstance(x, float):
                        kinds.add("above" if x * sign > 0 else "below")
            rule = None
            if t.p == 0 or t.y == 0:
                if t.p < 0:
                    kinds.add("nan")
                else:
                    field = "zero_q" if t.p > 0 else "zero_zero" if t.y == 0 else "zero_p"
                    rule = c.get(field, {"zero_q": "inf"}.get(field, "zero"))
                    if rule not in ("zero", "drop"):
                        kinds |= {"nan": {"nan"}, "reject": {"reject"}, "inf": {"above"}}[rule]
                t.weighs = False
            elif (t.x > 0) != (t.y > 0) and t.x != 0 or isinstance(t.x, float) and isinstance(t.y, float):
                kinds.add("nan")
            elif isinstance(t.x, float):
                kinds.add("above")
            elif isinstance(t.y, float) or t.x == 0:
                kinds.add("below")
            else:
                t.weighs = True
                t.x = t.x / t.y + t.ratio
                t.y = Fraction(1)
                if t.x <= 0:
                    kinds.add("nan")
            left.append(t)
        if "nan" in kinds or {"above", "below"} <= kinds:
            return {"nan"}, []
        if "reject" in kinds:
            return {"reject"}, []
        if kinds:
            if (self.scale < 0) != (self.base is not None and self.base < 1):
                kinds = {"below" if k == "above" else "above" for k in kinds}
            return kinds, []
        return {"finite"}, left

    def step(self, s, terms):
        """One step of the convention; False where it is undefined."""
        sides = {"both": "pq", "p": "p", "q": "q"}[s.get("of", "both")]
        inside = {"p": "x", "q": "y"}
        names = [n for side in sides for n in ([inside[side]] if s.get("in") == "log" else [inside[side], side])]
        bound = {k: self.at(s[k]) for k in ("lo", "hi", "value", "at_or_below") if k in s}
        match s["do"]:
            case "normalise":
                for name in names:
                    total = sum(getattr(t, name) for t in terms)
                    if total == 0:
                        return False
                    for t in terms:
                        setattr(t, name, getattr(t, name) / total)
            case "add_ratio":
                for t in terms:
                    t.ratio += bound["value"]
            case "drop_term":
                for t in terms:
                    t.dropped |= getattr(t, s["where"]) <= bound["at_or_below"]
            case do:
                change = {
                    "clamp": lambda x: min(max(x, bound["lo"]), bound.get("hi", max(x, bound["lo"]))),
                    "add": lambda x: x + bound["value"],
                    "replace": lambda x: bound["value"] if x <= bound["at_or_below"] else x,
                }[do]
                for t in terms:
                    for name in names:
                        setattr(t, name, change(getattr(t, name)))
        return True

    def logarithms(self, terms):
        for t in terms:
            if t.weighs:
                yield t.p, t.x

    def terms(self, terms):
        for t in terms:
            if t.weighs:
                top, bottom = Fraction(t.x.numerator), Fraction(t.x.denominator)
                yield number(t.p) * mpmath.log(number(top)) - number(t.p) * mpmath.log(number(bottom)), t.p

    def linear(self, terms):
        return sum((t.q - t.p for t in terms), Fraction(0)) if terms and self.generalised else Fraction(0)

    def linear_mass(self, terms):
        return sum((t.q + t.p for t in terms), Fraction(0)) if terms and self.generalised else 0

    def bits(self, terms, tolerance):
        total = sum((abs(t.p) + abs(t.q) for t in terms), Fraction(0)) + abs(self.scale)
        bits = 64 - tolerance + len(terms).bit_length() + binade(total) + 12
        if self.base is not None:
            bits += max(0, -binade(self.base - 1)) + 12
        return max(128, bits)


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
        self.kinds = {"finite": 0, "infinite": 0, "nan": 0, "nan_or_refusal": 0, "refusal": 0, "several": 0}
        self.fields = {"convention": 0, "generator": 0, "data": 0, "mask": 0, "hardness": 0}
        self.hardest = {}
        self.arb = self.mpmath = self.rational = self.bits = self.cond = 0
        self.apart = (Fraction(0), "")
        self.wrong = []

    def add(self, other):
        """Takes over what another process has counted."""
        for name in ("vectors", "arb", "mpmath", "rational", "cond"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.kinds, other.kinds), (self.fields, other.fields)):
            for k, n in theirs.items():
                mine[k] += n
        for k, n in other.hardest.items():
            self.hardest[k] = max(self.hardest.get(k, 0), n)
        self.bits = max(self.bits, other.bits)
        self.apart = max(self.apart, other.apart)
        self.wrong += other.wrong


EMPTY = {"set": [], "nan": False, "reject": False}
SPECIAL = {
    "mismatch": EMPTY | {"reject": True},
    "nan": EMPTY | {"nan": True},
    "outside": EMPTY | {"nan": True, "reject": True},
}
NAMES = {"above": "infinite", "below": "infinite", "mismatch": "refusal", "nan": "nan", "outside": "nan_or_refusal", "infinite": "infinite", "finite": "finite"}


def check(v, tally):
    """Compares one vector."""
    weights = "_log" not in v["op"]
    q = (Elements if {"estimator", "grad"} & set(v.get("options") or {}) else Exponents if not weights else Follower if "convention" in v else Question)(v)
    tally.vectors += 1
    for field in ("convention", "generator", "data", "mask", "hardness"):
        tally.fields[field] += field in v
    stored = v["expected"]
    answers = None if not q.matches and not q.convention else q.answers()
    if answers is None:
        special(stored, "mismatch", q, tally)
        return
    many = q.each or q.rows and q.reduction in (None, "none")
    if isinstance(stored, list) != many or many and len(stored) != len(answers):
        raise Wrong("the number of answers is another")
    for i, (answer, one) in enumerate(zip(answers, stored if many else [stored])):
        try:
            if q.convention:
                answer = (follow(one, answer[0], q, tally), *answer[1:])
            if answer[0] == "finite":
                finite(v["id"], one, q, *answer[1:], tally, v.get("hardness"))
                tally.kinds["finite"] += 1
            elif answer[0]:
                special(one, answer[0], q, tally)
        except Wrong as e:
            raise Wrong(f"row {i}: {e}" if many else str(e)) from None


def follow(stored, kinds, q, tally):
    """The one kind of an answer under a convention; where there are several, compares them and returns None."""
    if kinds == {"nan", "reject"}:
        return "outside"
    if len(kinds) == 1:
        return {"nan": "nan", "reject": "mismatch", "above": "above", "below": "below", "finite": "finite"}[kinds.pop()]
    want = EMPTY | {"set": [{"lo": "0x0p+00", "hi": "0x0p+00"}], "nan": True, "reject": True}
    if kinds != {"nan", "reject", "finite"} or stored != want:
        raise Wrong(f"{sorted(kinds)} are right, stored is {json.dumps(stored)}")
    tally.kinds["several"] += 1
    return None


def special(stored, kind, q, tally):
    want = SPECIAL.get(kind)
    if kind in ("infinite", "above", "below"):
        below = kind == "below" or kind == "infinite" and q.base is not None and q.base < 1
        text = "-Inf" if below else "+Inf"
        digits, _, size = FORMATS[q.result]
        bits = ((1 << (size - digits)) - 1) << (digits - 1) | below << (size - 1)
        want = EMPTY | {"set": [{"lo": text, "hi": text}], "rn": f"{bits:0{size // 4}x}"}
    if stored != want:
        raise Wrong(f"{json.dumps(want)} is right by the rule for {NAMES[kind]}, stored is {json.dumps(stored)}")
    tally.kinds[NAMES[kind]] += 1


def finite(id, stored, q, pairs, divisor, tally, hard=None):
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
    if ("w" in stored) != (hi > lo) or ("errs" in stored) != (hi > lo):
        raise Wrong("w and errs do not go with the enclosure")
    if hi > lo and math.ceil((hi - lo) / 2 * power(stored["w"])) != stored["errs"]:
        raise Wrong("the enclosure is not as w and errs say")

    # Both witnesses are made good to 2^tolerance.
    tolerance = binade(hi - lo) - NARROWER if hi > lo else ulp - SPARE - NARROWER
    first = bits = q.bits(pairs, tolerance)

    # A value that is rational is known exactly, and balls cannot decide about it.
    low, high = q.arb(pairs, divisor, min(bits, MOST_BITS))
    value = q.rational(pairs, divisor) if q.base is not None or low <= 0 <= high or q.domain == "logprobs" or q.each else None
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

    other, cond = q.mpmath(pairs, divisor, first + 32)
    room = power(ulp - SPARE) if lo == hi else 0
    if not lo - room <= other <= hi + room:
        raise Wrong(f"the enclosure does not contain mpmath's value: it is off by {abs_ulp(other - middle, ulp)} ulp")
    tally.mpmath += 1
    given = q.domain == "weights" and not q.each and not zero and not (q.convention and any(s["do"] == "normalise" for s in q.convention.get("steps", [])))
    if given != ("cond" in stored) or given and abs(mpmath.mpf(stored["cond"]) / cond - 1) > 0.006:
        raise Wrong(f"the condition number is {mpmath.nstr(cond, 3)}, stored is {stored.get('cond')}")
    tally.cond += given
    if hard is not None:
        found = hardness(q, pairs, divisor, hard)
        if found != hard:
            raise Wrong(f"the hardness is {found}, stored is {hard}")
        name = f"{q.dtype}, n = {len(pairs)}"
        tally.hardest[name] = max(tally.hardest.get(name, 0), hard)
    tally.apart = max(tally.apart, (abs(other - middle) / power(ulp), id))


def hardness(q, pairs, divisor, about):
    """How many bits after the round bit of the value are equal, from a ball of Arb."""
    low, high = q.arb(pairs, divisor, about + 400)
    place = step(low, q.result) - 1  # of the round bit
    found = set()
    for x in (low, high):
        x = abs(x) * power(-place)
        x = abs(x - round(x))
        found.add(-binade(x) - (x != power(binade(x))) if x else None)
    return found.pop() if len(found) == 1 else None


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
        if "convention" in v or "mask" in v or size(v) > 5000 or not v["expected"]["set"]:
            continue
        p, q = arrays(v)
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


def size(v):
    return math.prod(v["shape"])


def tenth(v):
    """Always the same tenth, chosen by the ids, and not the long ones; with some that are always there."""
    always = ("golden/large/softmax-10007/f64", "golden/model/largest-1024/bf16", "golden/logits/temperature-2/f64")
    if size(v) > 5000 or v["id"] in always:
        return v["id"] in always
    return int(hashlib.sha256(v["id"].encode()).hexdigest(), 16) % 10 == 0


def judge(vectors):
    """Compares vectors and returns what was found."""
    tally = Tally()
    for v in vectors:
        try:
            check(v, tally)
        except Wrong as e:
            tally.wrong.append(f"wrong {v['id']}: {e}")
    return tally


def versions():
    return {name: version(name) for name in ("python-flint", "mpmath", "scipy", "numpy")}


def spoil(vectors, kind):
    """A copy of the first vector that can be made wrong in one way, made wrong."""
    for v in vectors:
        v = copy.deepcopy(v)
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
            case "errs" if "errs" in e:
                e["errs"] += 1
            case "cond" if "cond" in e:
                e["cond"] = f"{float(e['cond']) * 1.02:.2e}"
            case "hardness" if "hardness" in v:
                v["hardness"] += 1
            case "seed" if "generator" in v:
                v["generator"]["seed"] = f"{int(v['generator']['seed'], 16) ^ 1:016x}"
            case "kind" if v.get("generator", {}).get("kind") == "softmax":
                v["generator"]["kind"] = "near"
            case "step" if point is False and any(s["do"] == "clamp" for s in v.get("convention", {}).get("steps", [])) and "-lo-q-below" in v["id"]:
                s = next(s for s in v["convention"]["steps"] if s["do"] == "clamp")
                s["lo"] = "0x1p-30"
            case "scale" if "convention" in v and not point and not infinite and e["set"]:
                v["convention"]["scale"] = "0x1.0000000000001p+0"
            case "row" if "data" in v and size(v) < 5000:
                v["data"]["q"][0] ^= 1
            case "mask" if "mask" in v and e["set"] and "00" in v["mask"] and "01" in v["mask"]:
                v["mask"][v["mask"].index("00")] = "01"
            case "temperature" if "temperature" in v.get("options", {}) and size(v) < 5000:
                v["options"]["temperature"] = "0x1.8p-1"
            case "word" if v.get("convention", {}).get("zero_q") == "reject" and e["reject"]:
                v["convention"]["zero_q"] = "nan"
            case _:
                continue
        return v
    raise SystemExit(f"no vector can be spoilt in the way {kind}")


def hexadecimal(x):
    """A dyadic number as text."""
    return f"{'-' if x < 0 else ''}0x{abs(x.numerator):x}p{1 - x.denominator.bit_length():+d}"


def main():
    parser = argparse.ArgumentParser(description="a second opinion on every golden vector")
    parser.add_argument("--tenth", action="store_true", help="only a tenth, always the same, chosen by the ids")
    parser.add_argument("--write", metavar="RECORD", type=Path, help="write what was found to this file")
    parser.add_argument("--versions", action="store_true", help="print the versions of the libraries and nothing else")
    kinds = ["enclosure", "point", "rn", "special", "infinity", "errs", "cond", "hardness", "seed", "kind", "step", "scale", "word", "row", "mask", "temperature"]
    parser.add_argument("--spoil", action="store_true",
                        help="change a vector in memory in each of several ways, and compare those only; all must be noticed")
    options = parser.parse_args()
    if options.versions:
        print(json.dumps(versions()))
        return 0
    if options.write and (options.tenth or options.spoil):
        parser.error("a record is of all vectors, as they are")

    vectors = [v for f in sorted((FOLDER / "vectors").glob("*.json")) for v in json.loads(f.read_text("utf-8"))["vectors"]]
    if options.tenth:
        vectors = [v for v in vectors if tenth(v)]
    if not vectors:
        raise SystemExit("there are no vectors")
    if options.spoil:
        found = [(kind, v["id"], judge([v]).wrong) for kind in kinds for v in [spoil(vectors, kind)]]
        for kind, id, wrong in found:
            print(kind, wrong[0] if wrong else f"not noticed in {id}")
        return int(all(wrong for _, _, wrong in found))

    # The longest first, so that no process is left with one at the end.
    tally = Tally()
    work = sorted(vectors, key=size, reverse=True)
    with multiprocessing.Pool() as pool:
        for other in pool.imap_unordered(judge, [work[i::64] for i in range(64)]):
            tally.add(other)
    for line in sorted(tally.wrong):
        print(line)
    wrong = len(tally.wrong)
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
            "fields": tally.fields,
            "checked": {"arb": tally.arb, "mpmath": tally.mpmath, "rational": tally.rational, "cond": tally.cond},
            "hardest": dict(sorted(tally.hardest.items())),
            "most_bits": tally.bits,
            "largest_disagreement": apart,
            "scipy": scipy_misses(vectors),
        }
        options.write.write_text(json.dumps(record, indent=1) + "\n", "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
