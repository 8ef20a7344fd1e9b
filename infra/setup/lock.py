"""Hashed locks in requirements/ from pyproject.toml; run by `make lock [UPGRADE=1]`.

Five files come out: `locked.txt` (everything but torch), `torch.txt` (torch with what it needs on
a CPU), `torch-cuda.txt` (torch with everything), `uv.txt` (the installer itself), `peers.txt` (what
the benchmarks compare with, from `peers.in`). Pins are kept unless `--upgrade` is given; `--peers`
writes that one only. No index address is written.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
UV_PIN = "uv==0.13.9"

HEADER = "# Written by infra/setup/lock.py (`make lock`). Do not edit.\n"
WITH_TORCH = re.compile(r"(torch|triton|cuda-[a-z-]+|nvidia-[a-z0-9-]+)==")
"""Requirements that stand or fall with the choice of torch."""

OWN_UV = ROOT / ".venv" / ".uv" / "bin" / "uv"
COMPILE = [
    shutil.which("uv") or str(OWN_UV),
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
    "--generate-hashes", "--no-emit-index-url", "--no-header",
]  # fmt: skip


def main() -> None:
    """Rewrite every lock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest allowed versions")
    parser.add_argument("--peers", action="store_true", help="write peers.txt only")
    options = parser.parse_args()
    lock_peers(upgrade=options.upgrade)
    if not options.peers:
        lock_product(upgrade=options.upgrade)


def lock_peers(*, upgrade: bool) -> None:
    """Rewrite the lock of what the benchmarks compare with."""
    wishes = ["requirements/peers.in", "--excludes", "requirements/peers-excludes.txt"]
    write("peers.txt", compile_lock(wishes, ["peers.txt"], upgrade=upgrade))


def lock_product(*, upgrade: bool) -> None:
    """Rewrite the locks of what deskwheel is installed from."""
    project = ["pyproject.toml", "--extra", "dev"]
    slim = [*project, "--excludes", "requirements/excludes.txt"]
    rest, torch = split(compile_lock(slim, ["locked.txt", "torch.txt"], upgrade=upgrade))
    write("locked.txt", rest)
    write("torch.txt", torch)
    # Compiled after the slim pair and seeded with it, so that both choices of torch share
    # every pin that they share a package for.
    full = compile_lock(project, ["locked.txt", "torch.txt", "torch-cuda.txt"], upgrade=False)
    others, torch_cuda = split(full)
    if others != rest:
        raise SystemExit("torch-cuda.txt does not fit locked.txt; run again with --upgrade")
    write("torch-cuda.txt", torch_cuda)
    with tempfile.NamedTemporaryFile("w", suffix=".in") as wish:
        wish.write(UV_PIN)
        wish.flush()
        write("uv.txt", compile_lock([wish.name, "--no-annotate"], ["uv.txt"], upgrade=upgrade))


def compile_lock(inputs: list[str], kept: list[str], *, upgrade: bool) -> str:
    """Return the lock that uv makes of `inputs`, preferring the pins of the `kept` locks."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.txt"
        old = [REQUIREMENTS / name for name in kept]
        output.write_text("".join(path.read_text() for path in old if path.exists()))
        more = ["--upgrade"] if upgrade else []
        subprocess.run([*COMPILE, *more, *inputs, "-o", str(output)], cwd=ROOT, check=True)
        return output.read_text()


def split(lock: str) -> tuple[str, str]:
    """Return a lock's requirements without torch, and those that torch brings."""
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    rest = [entry for entry in entries if not WITH_TORCH.match(entry)]
    return "".join(rest), "".join(entry for entry in entries if WITH_TORCH.match(entry))


def write(name: str, lock: str) -> None:
    """Replace one lock and say how many requirements it has."""
    (REQUIREMENTS / name).write_text(HEADER + lock)
    count = len(re.findall(r"^[a-z0-9]", lock, flags=re.MULTILINE))
    print(f"requirements/{name}: {count} requirements")


if __name__ == "__main__":
    main()
