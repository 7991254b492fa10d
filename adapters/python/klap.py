"""KLAP/1, the adapter protocol, for Python: all of an adapter but the library.

Import this module before the library. From then on standard output belongs to
the protocol: file descriptor 1 and sys.stdout write to standard error, so that
a stray print, of Python or of C, cannot break a message.

An adapter maps each entry id to a function that imports the library and
returns a Library; manifest.json beside it says what each entry offers:

    from klap import Library, serve

    def entropy():
        from scipy import stats, __version__
        return Library(__version__, {"kl": lambda p, q, *, base=None: stats.entropy(p, q, base=base)})

    serve({"stats.entropy": entropy})

An operation takes the prepared arrays by position, a mask as the keyword
"mask", and each option that it knows as a keyword; an option that it does not
name is answered "unsupported".
"""

from __future__ import annotations

import array
import base64
import inspect
import json
import math
import os
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_in = os.fdopen(os.dup(0), "rb")
_out = os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)
sys.stdout = sys.stderr

ENCODINGS = ["frame", "b64", "hex"]
REALS = ("base", "temperature", "beta")

# dtype of the protocol: bytes of an element, name in numpy or ml_dtypes, struct code
_TYPES = {
    "f64": (8, "float64", "d"),
    "f32": (4, "float32", "f"),
    "f16": (2, "float16", "e"),
    "bf16": (2, "bfloat16", None),
    "f8e4m3": (1, "float8_e4m3fn", None),
    "f8e5m2": (1, "float8_e5m2", None),
    "u8": (1, "uint8", "B"),
    "i32": (4, "int32", "i"),
    "i64": (8, "int64", "q"),
}
_WIRE = {name: dtype for dtype, (_, name, _) in _TYPES.items()}
_WORD = {8: "Q", 4: "I", 2: "H", 1: "B"}


class Rejected(Exception):
    """A deliberate refusal of kind "domain", "length" or "dtype"."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Unsupported(Exception):
    """Something that is not offered."""


@dataclass(slots=True)
class Array:
    """A buffer of the protocol: little-endian bytes in a writable bytearray."""

    dtype: str
    shape: tuple[int, ...]
    data: bytearray | bytes

    def numpy(self):
        """The array over the same memory; ml_dtypes gives the formats that numpy lacks."""
        import numpy

        kind = _TYPES[self.dtype][1]
        if not hasattr(numpy, kind):
            try:
                import ml_dtypes
            except ImportError:
                raise Unsupported(f"{self.dtype} needs the module ml_dtypes") from None
            kind = getattr(ml_dtypes, kind)
        return numpy.ndarray(self.shape, kind, self.data)

    def bits(self):
        """The bit patterns as a numpy array of unsigned words over the same memory."""
        import numpy

        return numpy.ndarray(self.shape, f"u{_TYPES[self.dtype][0]}", self.data)

    def floats(self) -> list[float]:
        """All elements in order as Python numbers, widened exactly."""
        size, name, code = _TYPES[self.dtype]
        n = len(self.data) // size
        if code:
            return list(struct.unpack(f"<{n}{code}", self.data))
        if self.dtype == "bf16":
            return list(struct.unpack(f"<{n}f", b"".join(b"\0\0" + self.data[i : i + 2] for i in range(0, 2 * n, 2))))
        raise Unsupported(f"{name} without numpy")


@dataclass(slots=True)
class Library:
    """One entry of an adapter, ready to be asked.

    prepare turns an Array into what the operations take, once for each buffer
    and outside of what is timed. An exception of a class in refusals is a
    deliberate refusal, any other one an error.
    """

    version: str
    ops: Mapping[str, Callable[..., Any]]
    prepare: Callable[[Array], Any] = Array.numpy
    refusals: tuple[type[Exception], ...] = (ValueError,)


@dataclass(slots=True)
class _Buf:
    name: str
    array: Array
    prepared: Any = None


def each_row(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of rows out of a function of vectors, without any reduction."""

    def rows(*arrays):
        import numpy

        if len({len(a) for a in arrays}) > 1:
            raise Rejected("length", f"rows: {' and '.join(str(len(a)) for a in arrays)}")
        return numpy.asarray([f(*row) for row in zip(*arrays)])

    return rows


def serve(entries: Mapping[str, Callable[[], Library]]) -> None:
    """Answer questions about the entry named on the command line until the input ends.

    With --check instead of an entry: load every entry and print the versions.
    """
    manifest = json.loads(Path(sys.argv[0]).with_name("manifest.json").read_text("utf-8"))
    args = sys.argv[1:]
    if args == ["--check"]:
        for make in entries.values():
            make()
        found = _packages()
        _out.write(", ".join(f"{k} {found.get(k, '?')}" for k in manifest["packages"]).encode() + b"\n")
        _out.flush()
        return
    if len(args) != 1 or args[0] not in entries:
        sys.exit(f"usage: {Path(sys.argv[0]).name} --check | {' | '.join(entries)}")
    entry = next((e for e in manifest["entries"] if e["id"] == args[0]), None)
    if entry is None:
        sys.exit(f"manifest.json has no entry {args[0]!r}")
    session = _Session(manifest, entry, entries[args[0]]())
    while session.running and (line := _in.readline()):
        if line.strip():
            session.turn(line)


class _Session:
    def __init__(self, manifest: dict, entry: dict, library: Library):
        self.manifest, self.entry, self.library = manifest, entry, library
        self.ops: list[str] = entry.get("ops") or ["kl"]
        self.dtypes: list[str] = entry.get("dtypes") or ["f64"]
        if missing := set(self.ops) ^ set(library.ops):
            sys.exit(f"{entry['id']}: adapter and manifest.json differ in {sorted(missing)}")
        self.keys: dict[str, _Buf] = {}
        self.offered: list[str] = []
        self.running = True

    def turn(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            ident, op = request.get("id"), request.get("op")
        except (ValueError, AttributeError):
            sys.exit(f"not a message: {line[:80]!r}")
        how = None
        try:
            bufs, how = _read(request.get("bufs") or [])
            answer = self.answer(op, request, bufs)
        except Rejected as e:
            answer = {"status": "rejected", "kind": e.kind, "message": _text(e)}
        except Unsupported as e:
            answer = {"status": "unsupported", "message": _text(e)}
        except Exception as e:
            answer = {"status": "error", "message": f"{type(e).__name__}: {_text(e)}"}
        how = how or ("frame" if "frame" in self.offered else "b64")
        frames: list[bytes | bytearray] = []
        if "bufs" in answer:
            answer["bufs"] = [_write(name, a, how, frames) for name, a in answer["bufs"]]
        _out.write(json.dumps({"id": ident, **answer}, separators=(",", ":")).encode() + b"\n")
        for data in frames:
            _out.write(data)
        _out.flush()

    def answer(self, op: Any, request: dict, bufs: list[_Buf]) -> dict:
        match op:
            case "hello":
                return self.hello(request)
            case "load":
                if len(bufs) != 1 or not isinstance(request.get("key"), str):
                    raise ValueError("load takes one buffer and a key")
                self.keys[request["key"]] = bufs[0]
                return {"status": "ok"}
            case "drop":
                self.keyed([request.get("key")])
                del self.keys[request["key"]]
                return {"status": "ok"}
            case "echo":
                if "key" in request:
                    bufs = self.keyed([request["key"]])
                elif "keys" in request:
                    bufs = self.keyed(request["keys"])
                return {"status": "ok", "bufs": [(b.name, b.array) for b in bufs]}
            case "bye":
                self.running = False
                return {"status": "ok"}
            case "bench":
                iters = request.get("iters")
                if not isinstance(iters, int) or iters < 1:
                    raise ValueError("bench takes iters ≥ 1")
                result, ns = self.ask(request.get("of"), request, bufs, iters)
                return {"status": "ok", "ns": ns, "iters": iters, "bufs": [("result", result)]}
            case _:
                return {"status": "ok", "bufs": [("result", self.ask(op, request, bufs, 1)[0])]}

    def hello(self, request: dict) -> dict:
        if 1 not in request.get("protocol", [1]):
            raise Unsupported("this adapter speaks protocol 1")
        self.offered = request.get("encodings") or []
        said = {
            "status": "ok",
            "protocol": 1,
            "name": f"{self.manifest['name']}/{self.entry['id']}",
            "version": self.library.version,
            "language": self.manifest.get("language", "Python"),
            "homepage": self.manifest.get("homepage"),
            "ops": self.ops,
            "dtypes": self.dtypes,
            "convention": self.entry.get("convention"),
            "accuracy": self.entry.get("claim"),
            "encodings": ENCODINGS,
            "deterministic": self.entry.get("deterministic", True),
            "packages": _packages(),
        }
        return {k: v for k, v in said.items() if v is not None}

    def keyed(self, keys: list) -> list[_Buf]:
        for key in keys:
            if key not in self.keys:
                raise KeyError(f"no buffer is loaded as {key!r}")
        return [self.keys[key] for key in keys]

    def ask(self, op: Any, request: dict, bufs: list[_Buf], iters: int) -> tuple[Array, int]:
        f = self.library.ops.get(op)
        if f is None:
            raise Unsupported(f"op {op!r}")
        if "keys" in request:
            bufs = self.keyed(request["keys"])
        named = inspect.signature(f).parameters
        arity = 1 if op.startswith("entropy") else 2
        options = _options(request.get("options") or {})
        if len(bufs) == arity + 1:
            if "mask" not in named:
                raise Unsupported("a mask")
            *bufs, mask = bufs
            options["mask"] = self.prepared(mask)
        if len(bufs) != arity:
            raise ValueError(f"{op} takes {arity} buffers, not {len(bufs)}")
        for name in options:
            if name not in named:
                raise Unsupported(f"option {name!r}")
        for b in bufs:
            if b.array.dtype not in self.dtypes:
                raise Unsupported(f"dtype {b.array.dtype}")
        args = [self.prepared(b) for b in bufs]
        try:
            start = time.perf_counter_ns()
            for _ in range(iters):
                result = f(*args, **options)
            ns = time.perf_counter_ns() - start
        except (Rejected, Unsupported):
            raise
        except self.library.refusals as e:
            same = len({b.array.shape for b in bufs}) == 1
            raise Rejected("domain" if same else "length", f"{type(e).__name__}: {_text(e)}") from e
        return _array(result), ns

    def prepared(self, b: _Buf) -> Any:
        if b.prepared is None:
            b.prepared = self.library.prepare(b.array)
        return b.prepared


def _options(sent: dict) -> dict:
    options = {}
    for name, value in sent.items():
        if name in REALS:
            if value == "e":
                value = None  # the natural base, for an operation whose own is another
            else:
                value = float.fromhex(value) if "x" in value.lower() else float(int(value))
        options[name] = value
    return options


def _read(sent: list[dict]) -> tuple[list[_Buf], str | None]:
    """Take the buffers of a message; every announced byte is read before anything is refused."""
    raw = []
    for b in sent:
        if "bytes" in b:
            data = bytearray(b["bytes"])
            if _in.readinto(data) != len(data):
                sys.exit("the input ended inside a buffer")
            raw.append(data)
        else:
            raw.append(None)
    bufs, how = [], None
    for b, data in zip(sent, raw):
        if b.get("dtype") not in _TYPES:
            raise Unsupported(f"dtype {b.get('dtype')!r}")
        size = _TYPES[b["dtype"]][0]
        if data is not None:
            how = how or "frame"
        elif "b64" in b:
            how = how or "b64"
            data = bytearray(base64.b64decode(b["b64"], validate=True))
        elif "hex" in b:
            how = how or "hex"
            if any(len(w) != 2 * size for w in b["hex"]):
                raise ValueError(f"a hex word of {b['dtype']} has {2 * size} digits")
            data = _swapped(bytes.fromhex("".join(b["hex"])), size)
        else:
            raise ValueError("a buffer without bytes, b64 or hex")
        shape = tuple(b["shape"])
        if any(n < 0 for n in shape) or math.prod(shape) * size != len(data):
            raise ValueError(f"shape {list(shape)} of {b['dtype']} does not fit {len(data)} bytes")
        bufs.append(_Buf(b.get("name", ""), Array(b["dtype"], shape, data)))
    return bufs, how


def _write(name: str, a: Array, how: str, frames: list[bytes | bytearray]) -> dict:
    sent: dict[str, Any] = {"name": name, "dtype": a.dtype, "shape": list(a.shape)}
    if how == "frame":
        sent["bytes"] = len(a.data)
        frames.append(a.data)
    elif how == "b64":
        sent["b64"] = base64.b64encode(a.data).decode()
    else:
        size = _TYPES[a.dtype][0]
        digits = _swapped(a.data, size).hex()
        sent["hex"] = [digits[i : i + 2 * size] for i in range(0, len(digits), 2 * size)]
    return sent


def _swapped(data: bytes | bytearray, size: int) -> bytearray:
    words = array.array(_WORD[size], bytes(data))
    words.byteswap()
    return bytearray(words.tobytes())


def _array(x: Any) -> Array:
    if isinstance(x, Array):
        return x
    if not hasattr(x, "dtype"):
        if isinstance(x, (int, float)):
            return Array("f64", (), struct.pack("<d", x))
        if isinstance(x, list) and all(isinstance(v, (int, float)) for v in x):
            return Array("f64", (len(x),), struct.pack(f"<{len(x)}d", *x))
    import numpy

    a = numpy.asarray(x)
    if a.dtype.name not in _WIRE:
        raise TypeError(f"the result has the format {a.dtype}")
    return Array(_WIRE[a.dtype.name], a.shape, a.tobytes())


def _packages() -> dict[str, str]:
    import platform
    from importlib.metadata import distributions

    found = {"python": platform.python_version()}
    for d in distributions():
        if d.name:
            found.setdefault(d.name, d.version)
    return dict(sorted(found.items()))


def _text(e: BaseException) -> str:
    text = str(e.args[0]) if isinstance(e, KeyError) and e.args else str(e)
    return " ".join(text.split())[:400]
