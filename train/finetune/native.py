"""The compiled kernels of the fast engine, out of `kernels.c` and the compiler of this machine.

They are compiled once for a compiler and CPU, in about a second, and kept in the user's cache.
Reads and writes the cache; no table.
"""

import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from ctypes import CDLL, c_float, c_int64, c_void_p
from functools import lru_cache
from pathlib import Path

from deskwheel.jars import cache_root

_SOURCE = Path(__file__).with_name("kernels.c")
_TARGET = ("-O3", "-march=native")
# Not -ffast-math: linked in, it rounds denormal numbers to zero in the whole process.
_FLAGS = (
    *_TARGET, "-std=gnu11", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-shared",
    "-fPIC",
)  # fmt: skip
_COMPILERS = ("cc", "gcc", "clang")
_LIMIT_S = 120.0
_LOG = logging.getLogger(__name__)

_AT, _COUNT, _BY = c_void_p, c_int64, c_float
_PADDED = (_AT, _AT, *[_COUNT] * 5, _AT, _AT, _AT)
_SIGNATURES = {
    "merge": (_AT, _AT, _AT, _AT, _BY, _COUNT, _COUNT, _COUNT, _AT),
    "adapter_back": (_AT, _AT, *[_COUNT] * 5, *[_AT] * 6),
    "norm": (_AT, _AT, _COUNT, _COUNT, _BY, _AT, _AT, _AT),
    "norm_back": (_AT, _AT, _AT, _AT, _COUNT, _COUNT, _AT, _AT),
    "swiglu": (_AT, _COUNT, _COUNT, _AT),
    "swiglu_back": (_AT, _AT, _COUNT, _COUNT, _AT),
    "spread": _PADDED,
    "gather": _PADDED,
    "softmax": (_AT, _COUNT, _COUNT, _BY),
    "softmax_back": (_AT, _AT, _COUNT, _COUNT, _BY),
}


@lru_cache(maxsize=1)
def load_kernels() -> CDLL | None:
    """The kernels, with the types of their arguments; None, and a line in the log, without them.

    A call of one gives up Python's lock. `CC` names a compiler other than the usual ones.
    """
    try:
        return _typed(CDLL(str(_compiled(_compiler()))))
    except (OSError, subprocess.SubprocessError) as error:
        _LOG.info(
            "the fast engine computes by PyTorch alone, which takes longer: %s; install a C"
            " compiler, or name one in CC, for fused kernels",
            error,
        )
        return None


def _compiler() -> list[str]:
    """The command of a C compiler.

    Raises:
        FileNotFoundError: there is none.
    """
    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    for name in _COMPILERS:
        if found := shutil.which(name):
            return [found]
    raise FileNotFoundError(f"none of {', '.join(_COMPILERS)} is on PATH")


def _compiled(compiler: list[str]) -> Path:
    """The library for this source, compiler and CPU, compiled where it is not there yet.

    Safe beside another process that does the same: put in place by one rename.
    """
    # The macros tell the compiler's version and what the CPU has, so a home that machines share
    # holds one library for each kind.
    macros = _run([*compiler, *_TARGET, "-dM", "-E", "-x", "c", os.devnull])
    key = hashlib.sha256(b"\0".join([_SOURCE.read_bytes(), " ".join(_FLAGS).encode(), macros]))
    folder = cache_root() / "kernels"
    library = folder / f"{key.hexdigest()[:32]}.so"
    if not library.is_file():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            fresh = Path(staging) / library.name
            _run([*compiler, *_FLAGS, str(_SOURCE), "-o", str(fresh), "-lm"])
            fresh.replace(library)
    if library.stat().st_uid not in {0, os.getuid()}:
        raise PermissionError(f"{library} belongs to another user and is not run; delete it")
    return library


def _run(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(f"{command[0]} ended with {done.returncode} ({said[0] if said else 'mute'})")
    return done.stdout


def _typed(library: CDLL) -> CDLL:
    for name, types in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = types, None
    return library
