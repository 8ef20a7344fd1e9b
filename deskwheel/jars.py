"""The Java archives of the broker and of Spark, fetched once and checked by SHA-256.

Maven is not needed: pyspark ships a runnable Ivy, which resolves `infra/jars/ivy-*.xml`. What
arrives must be exactly what `infra/jars/jars.lock` names, or nothing is kept.
Reads and writes no table or topic.
"""

import argparse
import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from xml.sax.saxutils import quoteattr

from deskwheel.errors import DeskwheelError, SetupError
from deskwheel.java import find_java

Kind = Literal["kafka", "spark"]
"""`kafka` is everything the broker runs on; `spark` is what Spark needs beside its own jars.

The two never share a class path: the broker's clients are newer than Spark's.
"""

KINDS: tuple[Kind, ...] = get_args(Kind)
DEFINITIONS = Path(__file__).resolve().parent.parent / "infra" / "jars"
LOCK = DEFINITIONS / "jars.lock"
LOCK_HEADER = "# kind sha256 file; written by `python -m deskwheel.jars --update-lock`\n"

CACHE_VARIABLE = "DESKWHEEL_CACHE"
MIRROR_VARIABLE = "DESKWHEEL_MAVEN_MIRROR"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One archive, as `jars.lock` pins it."""

    kind: Kind
    name: str
    """File name, version included."""
    sha256: str


def read_lock(text: str) -> list[Jar]:
    """Return the jars that the text of a lock file names, in its order.

    Raises:
        SetupError: a line is not `kind sha256 file`.
    """
    jars = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != len(Jar.__slots__) or fields[0] not in KINDS:
            raise SetupError(
                f"{LOCK.name}:{number} is {line!r}, not `kind sha256 file`; "
                "restore the file from version control"
            )
        kind: Kind = "kafka" if fields[0] == "kafka" else "spark"
        jars.append(Jar(kind=kind, sha256=fields[1], name=fields[2]))
    return jars


def write_lock(jars: Iterable[Jar]) -> str:
    """Return the text of a lock file, sorted so that a change is a small diff."""
    rows = sorted((jar.kind, jar.name, jar.sha256) for jar in jars)
    return LOCK_HEADER + "".join(f"{kind} {digest} {name}\n" for kind, name, digest in rows)


def cache_root() -> Path:
    """Return the folder for downloads that outlive a clone; it need not exist."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "deskwheel"


def jar_dir(kind: Kind) -> Path:
    """Return the folder that holds exactly the locked jars of one kind.

    Contents were checked when the folder was put in place; here only names are compared, so
    that a call costs no hashing.

    Raises:
        SetupError: the folder is missing or incomplete.
    """
    folder, wanted = _locate(kind)
    missing = sorted({jar.name for jar in wanted} - _names_in(folder))
    if missing:
        raise SetupError(
            f"{len(missing)} of {len(wanted)} {kind} jars are not in {folder} "
            f"(first: {missing[0]}); run `make setup`, or `python -m deskwheel.jars --from DIR` "
            "where nothing can be downloaded"
        )
    return folder


def ensure_jars(source: Path | None = None, *, say: Say = print) -> dict[str, Path]:
    """Return the folder of each kind, after fetching and checking what is not there yet.

    Idempotent, and safe beside another process that does the same: each folder is staged
    under a name of its own and put in place by one rename.

    Args:
        source: folder to copy from instead of downloading, as `DIR/NAME` or `DIR/KIND/NAME`.
        say: receives one line per step of progress.

    Raises:
        SetupError: a jar cannot be reached, or its content is not the locked one.
    """

    def ensure(kind: Kind) -> Path:
        folder, wanted = _locate(kind)
        if {jar.name for jar in wanted} - _names_in(folder):
            _install(kind, source, folder=folder, wanted=wanted, say=say)
        return folder

    # Ivy downloads one file after another: the small set arrives while the large one does.
    with ThreadPoolExecutor() as pool:
        return dict(zip(KINDS, pool.map(ensure, KINDS), strict=True))


def update_lock(*, say: Say = print) -> int:
    """Resolve every definition anew and rewrite `jars.lock`; return how many jars it names."""
    found = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as staging:
            fetched = _fetch(kind, Path(staging), expected=0, say=say)
            found += [Jar(kind, path.name, _sha256(path)) for path in sorted(fetched.iterdir())]
    LOCK.write_text(write_lock(found), encoding="utf-8")
    return len(found)


def _locate(kind: Kind) -> tuple[Path, list[Jar]]:
    if not LOCK.is_file():
        raise SetupError(f"{LOCK} is missing; run from a complete clone, installed by `make setup`")
    text = LOCK.read_bytes()
    wanted = [jar for jar in read_lock(text.decode()) if jar.kind == kind]
    return cache_root() / "jars" / hashlib.sha256(text).hexdigest()[:12] / kind, wanted


def _names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _install(
    kind: Kind, source: Path | None, *, folder: Path, wanted: Sequence[Jar], say: Say
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{kind}-") as staging:
        if source is None:
            say(f"{kind} jars: downloading {len(wanted)}")
            found = _fetch(kind, Path(staging), expected=len(wanted), say=say)
        else:
            found = _copy(source, wanted, into=Path(staging) / "jars")
        _check(wanted, found)
        if folder.exists():
            shutil.rmtree(folder)
        try:
            found.rename(folder)
        except OSError:
            # Another process put its own checked copy in place between the two calls.
            if {jar.name for jar in wanted} - _names_in(folder):
                raise
    say(f"{kind} jars: {len(wanted)} checked, {time.monotonic() - began:.0f} s, {folder}")


def _copy(source: Path, wanted: Sequence[Jar], *, into: Path) -> Path:
    into.mkdir()
    for jar in wanted:
        places = [source / jar.kind / jar.name, source / jar.name]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise SetupError(
                f"{jar.name} is neither in {places[0].parent} nor in {source}; copy it there "
                "from a machine where `make setup` has run"
            )
        shutil.copyfile(found, into / jar.name)
    return into


def _check(wanted: Sequence[Jar], found: Path) -> None:
    extra = sorted(_names_in(found) - {jar.name for jar in wanted})
    if extra:
        raise SetupError(
            f"{extra[0]} was resolved but {LOCK.name} does not name it; "
            "run `python -m deskwheel.jars --update-lock` and review the change"
        )
    for jar in wanted:
        path = found / jar.name
        digest = _sha256(path) if path.is_file() else "nothing"
        if digest != jar.sha256:
            raise SetupError(
                f"{jar.name} has SHA-256 {digest}, {LOCK.name} says {jar.sha256}; nothing was "
                f"kept. Check the mirror in {MIRROR_VARIABLE} or the folder given by --from"
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch(kind: Kind, staging: Path, *, expected: int, say: Say) -> Path:
    found = staging / "jars"
    command = [str(find_java()), "-jar", str(_ivy_jar())]
    if mirror := os.environ.get(MIRROR_VARIABLE):
        settings = staging / "settings.xml"
        settings.write_text(mirror_settings(mirror), encoding="utf-8")
        command += ["-settings", str(settings)]
    command += ["-ivy", str(DEFINITIONS / f"ivy-{kind}.xml"), "-cache", str(staging / "ivy")]
    command += ["-confs", "default", "-types", "jar", "bundle"]
    command += ["-retrieve", f"{found}/[artifact]-[revision].[ext]"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as ivy:
        lines = _follow(ivy.stdout or [], kind=kind, expected=expected, say=say)
    if ivy.returncode or not _names_in(found):
        complaint = next((line for line in lines if "not found" in line or "!!" in line), lines[-1])
        raise SetupError(
            f"the {kind} jars could not be downloaded ({complaint.strip()}); set "
            f"{MIRROR_VARIABLE} to the address of a Maven mirror you can reach, or copy them "
            "with `python -m deskwheel.jars --from DIR` (`make setup FROM=DIR` takes DIR/jars)"
        )
    return found


def _follow(stream: Iterable[str], *, kind: Kind, expected: int, say: Say) -> list[str]:
    lines = [""]
    count = 0
    for line in stream:
        lines.append(line)
        if "[SUCCESSFUL ]" in line and ".jar" in line:
            count += 1
            total = f"/{expected}" if expected else ""
            say(f"{kind} jars: {count}{total} {line.split('!')[-1].split('.jar')[0]}")
    return lines


def mirror_settings(address: str) -> str:
    """Return Ivy settings that resolve everything from one Maven mirror.

    >>> 'root="http://127.0.0.1/m2"' in mirror_settings("http://127.0.0.1/m2")
    True
    """
    return (
        '<ivysettings><settings defaultResolver="mirror"/><resolvers>'
        f'<ibiblio name="mirror" m2compatible="true" root={quoteattr(address)}/>'
        "</resolvers></ivysettings>\n"
    )


def _ivy_jar() -> Path:
    # The law keeps pyspark out of the kernel: its folder is found without importing it.
    spec = importlib.util.find_spec("pyspark")
    folder = Path(spec.origin).parent / "jars" if spec and spec.origin else None
    found = sorted(folder.glob("ivy-*.jar")) if folder else []
    if not found:
        raise SetupError(f"no ivy-*.jar in {folder or 'any pyspark'}; run `make setup`")
    return found[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the jars from a command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deskwheel.jars", description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, help="copy from this folder instead")
    parser.add_argument("--json", action="store_true", help="print the folders as one JSON object")
    parser.add_argument("--update-lock", action="store_true", help="resolve anew, rewrite the lock")
    chosen = parser.parse_args(arguments)
    say = functools.partial(print, file=sys.stderr, flush=True)
    try:
        if chosen.update_lock:
            say(f"{LOCK.name}: {update_lock(say=say)} jars")
        folders = {kind: str(path) for kind, path in ensure_jars(chosen.source, say=say).items()}
    except DeskwheelError as error:
        say(f"error: {error}")
        return 1
    print(json.dumps(folders) if chosen.json else "\n".join(folders.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
