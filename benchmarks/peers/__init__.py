"""Answers of other libraries, asked in a process of `.venv-peers` (`make peers`).

A module beside this one runs under that environment's Python: it reads one JSON object a line from
its standard input and writes one JSON object a line, in the same order. deskwheel itself imports
none of these libraries.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
MISSING = "peers not installed: make peers"
_PATIENCE_S = 900


def are_installed() -> bool:
    """Whether `make peers` was run in this checkout."""
    return PYTHON.exists()


def ask(module: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One answer a row, by `benchmarks/peers/MODULE.py` under the peers' Python.

    Raises:
        RuntimeError: the peers are not installed, or the module did not answer every row.
    """
    if not are_installed():
        raise RuntimeError(MISSING)
    questions = [json.dumps(row) for row in rows]
    program = [str(PYTHON), str(Path(__file__).parent / f"{module}.py")]
    done = subprocess.run(
        program,
        input="\n".join(questions) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_S,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or len(answers) != len(questions):
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(
            f"benchmarks/peers/{module}.py answered {len(answers)} of {len(questions)} rows and"
            f" ended with status {done.returncode}: {last[0]}"
        )
    return answers
