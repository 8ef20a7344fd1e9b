import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.__main__ import VERBS, main

ROOT = Path(__file__).parents[2]


def test_help_imports_no_engine() -> None:
    code = (
        "import sys, ingest.__main__ as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "bad = {'kafka', 'pyarrow', 'rich', 'deltalake'} & set(sys.modules)\n"
        "sys.exit(f'imported {bad}' if bad else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in VERBS)


def test_simulated_folder_is_the_same_for_the_same_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        arguments = ["--seed", "3", "--conversations", "5", "--start", "2026-04-01T08:00:00Z"]
        assert main(["simulate", *arguments, "--out", str(tmp_path / name), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[0])
    lines = (tmp_path / "a" / "events.jsonl").read_bytes()
    assert lines == (tmp_path / "b" / "events.jsonl").read_bytes()
    assert told["written"] == told["ledger"]["events"] == lines.count(b"\n")
    assert json.loads((tmp_path / "a" / "ledger.json").read_text()) == told["ledger"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--conversations", "-1"], "--conversations must be"),
        (["--messiness", "9"], "--messiness must be"),
        (["--start", "noon"], "--start noon"),
    ],
)
def test_bad_argument_is_named(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments, "--out", "unused"]) == 1
    assert why in capsys.readouterr().err


def test_verb_without_a_broker_says_so_and_asks_to_try_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "events.jsonl").write_text("")
    broker = ["--set", "kafka.bootstrap=127.0.0.1:1", "--set", "kafka.delivery_timeout_s=1"]
    assert main(["replay", str(tmp_path), *broker]) == 75
    assert "is the broker running" in capsys.readouterr().err
