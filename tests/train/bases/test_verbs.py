import json
from pathlib import Path

import pytest

from deskwheel.stage import run_stage
from tests.train.bases.toys import save_base, write_lines
from train.__main__ import VERBS


def run(folder: Path, *extra: str) -> int:
    places = {
        "pipeline.state_url": f"sqlite:///{folder}/state.db",
        "pipeline.lake": f"{folder}/lake",
        "train.runs_dir": f"{folder}/runs",
        "train.mlflow_uri": f"sqlite:///{folder}/mlflow.db",
        "train.threads": "1",
        "train.engine": "fast",
        "gate.max_new_tokens": "4",
    }
    sets = [part for name, value in places.items() for part in ("--set", f"{name}={value}")]
    return run_stage("train", "", VERBS, ["bases", "compare", *sets, *extra])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--candidates", "demo"], "--snapshot ID"),
        (["--candidates", ",", "--data", "x"], "--candidates ',' names nothing"),
        (["--candidates", "demo", "--data", "x", "--sizes", "a"], "write 64,128,256,512"),
        (["--candidates", "demo", "--data", "x", "--steps", "0"], "--steps must be above 0"),
        (["--candidates", "demo", "--data", "x", "--licences", "free"], "--licences free"),
        (["--candidates", "demo", "--data", "/none.jsonl"], "none.jsonl"),
    ],
)
def test_a_wrong_order_says_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(tmp_path, *arguments) == 1
    assert said in capsys.readouterr().err


def test_nothing_but_missing_candidates_is_a_failure_with_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"query": f"Q {n}?", "response": f"A {n}.", "split": split}
        for n, split in enumerate(["train", "test"])
    ]
    file = write_lines(tmp_path / "d.jsonl", rows)
    assert run(tmp_path, "--candidates", f"{tmp_path}/none", "--data", str(file)) == 1
    written = capsys.readouterr()
    assert "not available: no folder" in written.out
    assert "there will be none" in written.err


@pytest.mark.slow
def test_two_bases_and_a_broken_one_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = save_base(tmp_path / "one")
    two = save_base(tmp_path / "two", vocabulary=500, card="---\nlicense: gemma\n---\n")
    broken = save_base(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    rows = [
        {"query": f"How do I reset lamp {n}?", "response": f"Switch lamp {n} off.",
         "split": "test" if n % 4 == 0 else "train"}
        for n in range(40)
    ]  # fmt: skip
    file = write_lines(tmp_path / "d.jsonl", rows)
    arguments = [
        "--candidates", f"{one},{two},{broken}", "--data", str(file), "--sizes", "4,8,16,30",
        "--steps", "2", "--full-size", "100", "--plot", str(tmp_path / "p.svg"), "--json",
    ]  # fmt: skip
    assert run(tmp_path, *arguments) == 0
    written = capsys.readouterr()
    found = json.loads(written.out)
    assert found["recommended"] == str(one)
    assert [bool(c["problem"]) for c in found["candidates"]] == [False, False, True]
    first, second, _ = found["candidates"]
    rates = [c["facts"]["tokens_per_1000_characters"] for c in (first, second)]
    assert rates[0] > rates[1]
    assert (tmp_path / "p.svg").read_text().startswith("<svg")
    assert run(tmp_path, *arguments) == 0
    assert capsys.readouterr().err.count("measured before") == 2
