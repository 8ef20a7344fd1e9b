"""What `make demo` costs: wall time, peak memory, installed size, and whether it is right.

Memory is the sum of the proportional set sizes (PSS) of every process that carries the demo's
state folder, sampled every two seconds: pages that two processes share count once. RSS would count
them twice, and Spark and Ray fork.
Source: proc_pid_smaps(5), "Pss".
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.claims import Claim, add_json_option, claims_of, report

_claim = claims_of("demo")

ROOT = Path(__file__).resolve().parent.parent
HOME_VARIABLE = "DESKWHEEL_HOME"
SAMPLE_S = 2.0
LIMIT_S = 1800.0
_GIB = 1024**3


def measure() -> list[Claim]:
    """Play the demo once in a folder of its own and watch it from outside."""
    with tempfile.TemporaryDirectory(prefix="dw-") as folder:
        home = Path(folder) / "demo"
        command = [sys.executable, "-m", "deskwheel.cli", "demo", "--home", str(home)]
        began, peak = time.monotonic(), 0
        cpu_s: dict[tuple[int, float], float] = {}
        with subprocess.Popen(command, cwd=ROOT) as demo:
            while demo.poll() is None and time.monotonic() - began < LIMIT_S:
                time.sleep(SAMPLE_S)
                peak = max(peak, _sample(demo.pid, str(home), cpu_s))
            demo.terminate()
        seconds = time.monotonic() - began
        result = json.loads((home / "result.json").read_text(encoding="utf-8"))
    return [
        _claim("wall", seconds, "s", "<= 360", "from `deskwheel demo` to its exit, stack stopped"),
        _claim("peak_memory", peak / _GIB, "GiB", "<= 8", "sum of PSS over all processes"),
        _claim("cpu", sum(cpu_s.values()), "CPU-s", "", "user and system, over all processes"),
        _claim("installed", _size(ROOT / ".venv") / _GIB, "GiB", "", "`.venv` on disk"),
        _claim("unaccounted", result["audit"]["unaccounted"], "records", "== 0", "audit"),
        _claim(
            "rouge_l_lead", _lead(result), "points", ">= 0.1", "challenger minus champion, 0 to 1"
        ),
    ]


def _lead(result: dict[str, Any]) -> float:
    scores = result["facts"]["evaluation"]["scores"]
    return float(scores["challenger"]["rouge_l"]) - float(scores["champion"]["rouge_l"])


def _sample(demo: int, home: str, cpu_s: dict[tuple[int, float], float]) -> int:
    """Bytes of PSS now; notes each process's CPU seconds as last seen."""
    total = 0
    for process in psutil.process_iter():
        try:
            if process.pid != demo and process.environ().get(HOME_VARIABLE) != home:
                continue
            total += process.memory_full_info().pss
            times = process.cpu_times()
            cpu_s[process.pid, process.create_time()] = times.user + times.system
        except psutil.Error:
            continue
    return total


def _size(folder: Path) -> int:
    """Bytes on disk, a file with several links once."""
    seen: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            found = (Path(parent) / name).lstat()
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    add_json_option(parser)
    return report(measure(), parser.parse_args(argv).json)


if __name__ == "__main__":
    raise SystemExit(main())
