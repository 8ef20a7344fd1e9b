"""Runs every benchmark and renders docs/benchmarks.md: `python -m benchmarks` (`make bench`).

Each runs in a process of its own, so that one's imports do not flatter another's times. Those that
need labelled data run when it is named: `--labelled FOLDER` for those over a labelled stream,
`--file NAME=FILE` for the others. `transforms_memory` takes half an hour and `transforms_cost` up
to one; `--skip NAME` leaves a benchmark out.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
NOT_BENCHMARKS = {
    "__init__", "__main__", "claims", "label_files", "labelled", "other_stream", "redaction_texts",
    "train_window",
}  # fmt: skip
LABELLED = {"intake", "stream_quality"}
NEEDS_FILE = {
    "redaction": "TEXTS.jsonl",
    "redaction_dialog": "CONVERSATIONS.jsonl",
    "reply_trimming": "CASES.jsonl",
    "transforms_resolution": "RESOLUTION.jsonl",
    "transforms_tags": "FOLDER",
    "validate_contamination": "PAIRS.jsonl",
    "validate_returns": "FOLDER",
}
"""Benchmark → what it reads: a labelled file, or a folder of them."""

NEEDS_GPU = {"train_gpu"}
"""Measured with `benchmarks/gpu.sh` on a machine that has one."""

PICTURES = {
    name: f"{name}.svg" for name in ("transforms_cost", "validate_audit", "validate_duplicates")
}
"""Benchmark → picture that it draws beside the page, by its option `--plot`."""
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one benchmark found."""

    name: str
    command: str
    claims: Sequence[dict[str, Any]]
    problem: str = ""
    """Why there are no claims."""


def names() -> list[str]:
    """Every benchmark, by the name of its file or of its folder."""
    here = Path(__file__).parent
    files = {path.stem for path in here.glob("*.py")}
    folders = {path.parent.name for path in here.glob("*/__main__.py")}
    return sorted((files | folders) - NOT_BENCHMARKS)


def run(name: str, labelled: Path | None, files: Mapping[str, str] | None = None) -> Measured:
    """The claims of one benchmark; a failure is a problem, not an end."""
    if name in NEEDS_FILE and name not in (files or {}):
        problem = f"not run: it needs a labelled file (`--file {name}=FILE`)"
        return Measured(name=name, command=_command(name), claims=(), problem=problem)
    if name in LABELLED and labelled is None:
        problem = "not run: it needs a labelled folder (`--labelled FOLDER`)"
        return Measured(name=name, command=_command(name), claims=(), problem=problem)
    if name in NEEDS_GPU and shutil.which("nvidia-smi") is None:
        problem = "not run: it needs an NVIDIA GPU (`benchmarks/gpu.sh`)"
        return Measured(name=name, command=_command(name), claims=(), problem=problem)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "claims.json"
        own = [str(labelled)] if name in LABELLED else []
        own += [files[name]] if files and name in NEEDS_FILE else []
        own += ["--plot", str(PAGE.parent / PICTURES[name])] if name in PICTURES else []
        program = [sys.executable, "-m", f"benchmarks.{name}", *own, "--json", str(file)]
        done = subprocess.run(program, cwd=ROOT, check=False)
        if not file.exists():
            problem = f"not measured: it ended with status {done.returncode}"
            return Measured(name=name, command=_command(name), claims=(), problem=problem)
        claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
    return Measured(name=name, command=_command(name), claims=claims)


def machine() -> str:
    """The class of machine, without its name."""
    memory = round(psutil.virtual_memory().total / _GIB)
    version = ".".join(str(part) for part in sys.version_info[:2])
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {memory} GiB memory, {os.uname().machine} {os.uname().sysname},"
        f" Python {version}; load at the start {load:.1f}"
    )


def render(results: Sequence[Measured], *, on: str, at: datetime, former: str = "") -> str:
    """The page: a table a benchmark, with the command that repeats it.

    A benchmark that was not run now keeps its section of the former page, dated.
    """
    measured = {result.name: result for result in results}
    kept = _sections(former)
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {at:%Y-%m-%d} on {on}.",
        "",
        "`make bench ARGS='--labelled FOLDER'` measures again and writes this page. A claim",
        "without a target is reported, not promised. Seconds depend on the machine; ratios less",
        "so.",
        "",
        *_index({*measured, *kept}),
    ]
    for name in sorted({*measured, *kept}):
        result = measured.get(name)
        if name in kept and (result is None or not result.claims):
            lines += ["", f"## {name}", *kept[name]]
            continue
        if result is None:
            continue
        lines += ["", f"## {result.name}", "", f"`{result.command}`", ""]
        lines += _table(result.claims) if result.claims else [result.problem]
        if result.claims and name in PICTURES:
            lines += ["", f"![{first_line(name)}]({PICTURES[name]})"]
    return "\n".join(lines) + "\n"


def first_line(name: str) -> str:
    """What a benchmark says of itself, without importing it."""
    here = Path(__file__).parent
    file = here / f"{name}.py"
    source = file if file.exists() else here / name / "__main__.py"
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].rstrip(".")


def _index(shown: Container[str]) -> list[str]:
    """Every benchmark with what it needs; those that the page shows are links."""
    lines = ["| Benchmark | Measures | Needs |", "|---|---|---|"]
    for name in names():
        needs = "`--labelled FOLDER`" if name in LABELLED else ""
        needs = f"`--file {name}={NEEDS_FILE[name]}`" if name in NEEDS_FILE else needs
        needs = "an NVIDIA GPU" if name in NEEDS_GPU else needs
        title = f"[{name}](#{name})" if name in shown else name
        lines.append(f"| {title} | {first_line(name)} | {needs} |")
    return lines


def _sections(page: str) -> dict[str, list[str]]:
    """Section → its lines; each says when and on what it was measured."""
    head, *parts = page.split("\n## ")
    dated = next((line for line in head.splitlines() if line.startswith("Measured on")), "")
    found = {}
    for part in parts:
        name, *lines = part.rstrip().splitlines()
        is_dated = any(line.startswith("Measured on") for line in lines)
        found[name] = lines if is_dated or not dated else ["", dated, *lines]
    return found


def _table(claims: Sequence[dict[str, Any]]) -> list[str]:
    lines = ["| Claim | Value | Target | Holds | Compared with |", "|---|---|---|---|---|"]
    for claim in claims:
        holds = {True: "yes", False: "**no**", None: ""}[claim["holds"]]
        value = f"{claim['value']:.4g} {claim['unit']}"
        peer = str(claim["peer"]).replace("|", "\\|")
        lines.append(f"| {claim['id']} | {value} | {claim['target']} | {holds} | {peer} |")
    return lines


def _command(name: str) -> str:
    needs = "FOLDER" if name in LABELLED else NEEDS_FILE.get(name, "")
    return f"python -m benchmarks.{name} {needs}".rstrip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks, write the page, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; default all")
    parser.add_argument(
        "--skip", action="append", default=[], metavar="NAME",
        help="leave this one out; its section stays as it was (repeatable)",
    )  # fmt: skip
    parser.add_argument("--labelled", type=Path, metavar="FOLDER", help="events.jsonl and gold/")
    parser.add_argument(
        "--file", action="append", default=[], metavar="NAME=FILE",
        help="labelled file or folder of a benchmark, by the page's list (repeatable)",
    )  # fmt: skip
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help="page to write")
    arguments = parser.parse_args(argv)
    if unknown := {*arguments.names, *arguments.skip} - set(names()):
        parser.error(f"unknown {', '.join(sorted(unknown))}; choose from {', '.join(names())}")
    on = machine()
    chosen = [name for name in arguments.names or names() if name not in arguments.skip]
    files = dict(pair.split("=", 1) for pair in arguments.file if "=" in pair)
    results = [run(name, arguments.labelled, files) for name in chosen]
    former = arguments.page.read_text(encoding="utf-8") if arguments.page.exists() else ""
    page = render(results, on=on, at=datetime.now(UTC), former=former)
    arguments.page.write_text(page, encoding="utf-8")
    print(f"written: {arguments.page}")
    broken = [c["id"] for r in results for c in r.claims if c["holds"] is False]
    failed = [r.name for r in results if r.problem.startswith("not measured")]
    for name in (*broken, *failed):
        print(f"does not hold: {name}", file=sys.stderr)
    return int(bool(broken or failed))


if __name__ == "__main__":
    raise SystemExit(main())
