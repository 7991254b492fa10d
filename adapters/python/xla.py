"""JAX as every adapter on it wants it: float64 on, the CPU, one thread, compiled code kept.

JAX compiles each operation for each shape, and a run meets hundreds of shapes.
What is compiled stays in the user's cache folder, so that the next run of the
same release does not wait for the compiler; what is computed is the same. JAX
writes that cache without a lock, hence a folder for each entry.
"""

import os
import sys
from pathlib import Path


def cache() -> Path:
    """The cache folder of klconf, as Go's os.UserCacheDir finds it."""
    home = Path.home()
    match sys.platform:
        case "win32":
            base = Path(os.environ.get("LocalAppData", home / "AppData" / "Local"))
        case "darwin":
            base = home / "Library" / "Caches"
        case _:
            base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "klconf"


def with_grad(jax, kl):
    """kl(p, q), compiled, with the option grad: what jax.grad gives as its derivative by Q, of each row by itself."""
    import numpy
    from klap import Unsupported

    value = jax.jit(kl)
    slope = jax.jit(jax.grad(lambda p, q: kl(p, q).sum(), argnums=1))

    def ask(p, q, *, grad=None):
        if grad not in (None, "q"):
            raise Unsupported(f"grad {grad!r}: a loss is differentiated by Q")
        return numpy.asarray((slope if grad else value)(p, q))

    return ask


def load():
    """Import jax and return it."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax

    jax.config.update("jax_enable_x64", True)
    program, entry = Path(sys.argv[0]), sys.argv[-1].lstrip("-")
    folder = cache() / f"jax-{jax.__version__}" / f"{program.parent.name}-{entry}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_traceback_in_locations_limit", 0)  # a fifth of the time of tracing
    return jax
