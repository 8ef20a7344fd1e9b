"""A ready `.venv` and the Java archives out of a fresh clone; run by `make setup`.

Only the standard library is used, because this runs before anything is installed. A second run
that finds nothing changed ends at once. What is installed is exactly what requirements/ locks,
by hash; `TORCH=` says which torch:

- `locked` (the default): the wheel in the lock, checked by hash like everything else. On Linux
  that is the CUDA build, without the packages a CPU never loads.
- `cuda`: the same with every CUDA package, for training on a GPU.
- `cpu`: the CPU build of the same version, about 3.5 GB smaller. Its index is not the one the
  hashes were taken from, so this one wheel is not hash-checked. That is why it is a choice and
  not the default: disk space is cheaper than an unchecked binary.
- `auto`: `cpu` where that index answers, else `locked`.
"""

from __future__ import annotations  # must parse on an old Python, to say that it is too old

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".deskwheel-setup.json"
REQUIREMENTS = ROOT / "requirements"

OLDEST_PYTHON = (3, 11)
OLDEST_UV = (0, 13)
STEPS = 6
ROOM_GB = {"locked": 9, "auto": 9, "cuda": 11, "cpu": 5}
"""Free space a first installation needs: measured environment plus the installer's downloads."""


class SetupStoppedError(Exception):
    """The message is the cure, in one line."""


def main() -> int:
    """Bring `.venv` and the jars up to date; return the exit status."""
    options = parse_options()
    use_new_python()
    sys.path.insert(0, str(ROOT))
    # Only now may modules be imported that need Python 3.11.
    from deskwheel.errors import DeskwheelError  # noqa: PLC0415

    try:
        set_up(options)
    except (SetupStoppedError, DeskwheelError) as error:
        print(f"setup stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup stopped; `make setup` goes on from here", file=sys.stderr)
        return 130
    return 0


def parse_options() -> argparse.Namespace:
    """Return the command line's choices; an empty string from make counts as not given."""
    parser = argparse.ArgumentParser(description="Install deskwheel into .venv.")
    choices = ["", "locked", "cpu", "cuda", "auto"]
    parser.add_argument("--torch", choices=choices, default="", help="which torch (see above)")
    parser.add_argument("--from", dest="source", default="", help="folder with wheels/ and jars/")
    options = parser.parse_args()
    options.source = Path(options.source).resolve() if options.source else None
    return options


def use_new_python() -> None:
    """Continue under Python 3.11 or newer, or stop with the cure."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        # A version manager's placeholder is on PATH too, and only fails when it is called.
        call = [newer or "", "-c", ""]
        if newer and subprocess.run(call, capture_output=True, check=False).returncode == 0:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606 - the same program, a newer Python
    sys.exit(
        f"setup stopped: Python {platform.python_version()} is too old and no python3.11 or "
        "newer is on PATH; install one (Debian/Ubuntu: apt-get install python3.11 "
        "python3.11-venv; macOS: brew install python@3.12) or name it: make setup PYTHON=/path"
    )


def set_up(options: argparse.Namespace) -> None:
    """Run the steps that are still needed."""
    stamp = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    # The choice made once holds for every later `make demo` or `make test`.
    torch = options.torch or stamp.get("torch", "locked")
    wanted = {"torch": torch, "base": base_identity(), "content": content_identity(torch)}
    if stamp == wanted and PYTHON.exists() and has_jars():
        print(f"setup: nothing to do ({VENV.name} is up to date, torch: {torch})")
        return
    began = time.monotonic()
    with step(1, f"Python {platform.python_version()} ({sys.executable})"):
        warn_if_full(torch)
    with step(2, "Java"):
        print(f"  {find_java()}")
    if stamp.get("base") != wanted["base"] or not PYTHON.exists():
        with step(3, "environment .venv"):
            # A clone that was moved, or another Python, needs new scripts: start afresh.
            run([base_python(), "-m", "venv", "--clear", "--without-pip", str(VENV)])
            stamp = {}
    if stamp.get("content") != wanted["content"]:
        uv = find_uv(options.source)
        with step(4, f"libraries (torch: {torch})"):
            chosen = choose_torch(uv, torch, source=options.source, hint=not options.torch)
            # Interrupted from here on, the next run keeps what was installed and goes on.
            write_stamp({"torch": torch, "base": wanted["base"]})
            install(uv, chosen, source=options.source)
        with step(5, "deskwheel itself (editable)"):
            itself = [uv, "pip", "install", "--python", str(PYTHON), "--no-deps"]
            run([*itself, "--no-build-isolation", "--editable", str(ROOT)])
    with step(6, "Java archives"):
        command = [str(PYTHON), "-m", "deskwheel.jars"]
        jars = options.source / "jars" if options.source else None
        run(command + (["--from", str(jars)] if jars else []), cwd=ROOT)
    write_stamp(wanted)
    print(f"setup: ready in {time.monotonic() - began:.0f} s")


def write_stamp(stamp: dict[str, str]) -> None:
    """Record what `.venv` is, so that the next run knows what is left to do."""
    STAMP.write_text(json.dumps(stamp))


def base_identity() -> str:
    """Return what makes an environment unusable when it differs: its place and its Python."""
    return f"{ROOT} {sys.base_prefix} {platform.python_version()}"


def base_python() -> str:
    """Return the Python that environments are made of, also when `.venv`'s own runs this."""
    return str(getattr(sys, "_base_executable", sys.executable))


def content_identity(torch: str) -> str:
    """Return a hash over everything that decides what is installed, and nothing else."""
    import tomllib  # noqa: PLC0415 - not there before Python 3.11

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [torch, project["project"], project["build-system"], project["tool"]["setuptools"]]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for name in ("locked.txt", *torch_locks(torch)):
        digest.update((REQUIREMENTS / name).read_bytes())
    return digest.hexdigest()


def torch_locks(torch: str) -> list[str]:
    """Return the lock files that a choice of torch adds to `locked.txt`."""
    return {"cpu": [], "cuda": ["torch-cuda.txt"]}.get(torch, ["torch.txt"])


def has_jars() -> bool:
    """Return whether the cache already holds every locked jar."""
    from deskwheel import jars  # noqa: PLC0415 - after use_new_python()
    from deskwheel.errors import SetupError  # noqa: PLC0415

    try:
        return all(jars.jar_dir(kind) for kind in jars.KINDS)
    except SetupError:
        return False


def find_java() -> Path:
    """Return the Java that deskwheel will use; stops with the cure when there is none."""
    from deskwheel import java  # noqa: PLC0415 - after use_new_python()

    return java.find_java()


def warn_if_full(torch: str) -> None:
    """Say so when a first installation is likely to run out of disk."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if not PYTHON.exists() and free_gb < ROOM_GB[torch]:
        print(f"  warning: {free_gb:.1f} GB free, a first installation needs {ROOM_GB[torch]} GB")


def find_uv(source: Path | None) -> str:
    """Return a recent uv: the one on PATH, or the locked one installed beside `.venv`'s Python."""
    found = shutil.which("uv")
    if found and uv_version(found) >= OLDEST_UV:
        return found
    own = VENV / ".uv"
    if not (own / "bin" / "uv").exists():
        print("  no recent uv on PATH: installing the locked one")
        try:
            run([base_python(), "-m", "venv", "--clear", str(own)])
        except SetupStoppedError as error:
            raise SetupStoppedError(
                "this Python cannot make environments with pip (no ensurepip); install uv, or: "
                f"apt-get install python3.{sys.version_info.minor}-venv"
            ) from error
        pip = [str(own / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        pip += ["--disable-pip-version-check", *offline(source)]
        run([*pip, "--require-hashes", "-r", str(REQUIREMENTS / "uv.txt")])
    return str(own / "bin" / "uv")


def uv_version(uv: str) -> tuple[int, ...]:
    """Return the version of a uv program, or (0,) when it does not say."""
    done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return tuple(int(number) for number in found.groups()) if found else (0,)


def offline(source: Path | None) -> list[str]:
    """Return the options that make an installer look into a folder and nowhere else."""
    return ["--no-index", "--find-links", str(source / "wheels")] if source else []


def install(uv: str, torch: str, *, source: Path | None) -> None:
    """Make `.venv` hold what the locks say, and nothing else."""
    # `sync` takes the locks literally and resolves nothing: what requirements/excludes.txt
    # leaves out cannot come back as somebody's dependency.
    files = [str(REQUIREMENTS / name) for name in ("locked.txt", *torch_locks(torch))]
    sync = [uv, "pip", "sync", "--python", str(PYTHON), "--require-hashes", *offline(source)]
    # Two libraries come as source: the setuptools that builds them is checked as well.
    run([*sync, "--build-constraints", str(REQUIREMENTS / "locked.txt"), *files])
    if torch == "cpu":
        run(cpu_torch(uv, source))


def choose_torch(uv: str, torch: str, *, source: Path | None, hint: bool) -> str:
    """Return the torch to install, after saying in one line which it is."""
    if torch not in {"auto", "cpu"}:
        if hint and platform.system() == "Linux":
            print("  torch: as locked; `make setup TORCH=cpu` needs about 3.5 GB less disk")
        return torch
    probe = [*cpu_torch(uv, source), "--dry-run", "--reinstall", "--quiet"]
    once = {**os.environ, "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "10"}
    if subprocess.run(probe, env=once, capture_output=True, check=False).returncode == 0:
        print("  torch: took the CPU build; this one wheel is not checked by hash")
        return "cpu"
    if torch == "cpu":
        raise SetupStoppedError(
            "the CPU build of torch is not to be had from here; nothing was changed. "
            "`make setup TORCH=locked` takes the one in the lock"
        )
    print("  torch: took the locked build, because the CPU build is not to be had from here")
    return "locked"


def cpu_torch(uv: str, source: Path | None) -> list[str]:
    """Return the command that installs the CPU build of the locked version of torch."""
    lock = (REQUIREMENTS / "torch.txt").read_text()
    pin = re.search(r"^torch==[^ ]+", lock, flags=re.MULTILINE)
    if pin is None:
        raise SetupStoppedError("requirements/torch.txt does not pin torch; run `make lock`")
    where = offline(source) or ["--torch-backend=cpu"]
    return [uv, "pip", "install", "--python", str(PYTHON), "--no-deps", *where, pin[0]]


@contextlib.contextmanager
def step(number: int, name: str) -> Iterator[None]:
    """Print a step's name, then how long it took."""
    print(f"[{number}/{STEPS}] {name}", flush=True)
    began = time.monotonic()
    yield
    print(f"      {time.monotonic() - began:.1f} s", flush=True)


def run(command: list[str], *, cwd: Path | None = None) -> None:
    """Run a program, showing its progress but not its list of hundreds of packages."""
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        for line in program.stdout or []:
            if not re.match(r" [+~-] ", line):
                print(f"  {line.rstrip()}", flush=True)
    if program.returncode:
        name = " ".join(Path(word).name if "/" in word else word for word in command[:4])
        raise SetupStoppedError(f"`{name} ...` ended with status {program.returncode}; see above")


if __name__ == "__main__":
    sys.exit(main())
