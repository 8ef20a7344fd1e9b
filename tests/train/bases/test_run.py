import json
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.settings import TrainSettings
from tests.train.bases.toys import PLAN, toy_texts
from train.bases import run
from train.bases.run import Row, code_version, measure_candidate

CHILD = "tests.train.bases.fake_child"


def base(folder: Path, act: str) -> str:
    """A folder that looks like a model and tells the fake child what to do."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"act": act}))
    (folder / "model.safetensors").write_bytes(act.encode())
    return str(folder)


def measured(tmp_path: Path, act: str, **plan: float) -> Row:
    settings = TrainSettings(runs_dir=str(tmp_path / "runs"))
    name = base(tmp_path / act, act)
    return measure_candidate(
        name,
        settings,
        replace(PLAN, **plan),
        toy_texts(),
        progress=lambda _: None,
        child=CHILD,
    )


def test_a_measured_candidate_has_every_part(tmp_path: Path) -> None:
    row = measured(tmp_path, "0")
    assert row.problem == ""
    assert [p["examples"] for p in row.parts["tuned"]] == list(PLAN.sizes)
    assert row.parts["few_shot"]["shots"] == 1


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        ("die", "killed, probably for want of memory"),
        ("refuse", "no chat template"),
        ("exit", "ended with status 3: its log is"),
    ],
)
def test_a_candidate_that_fails_is_a_row_that_keeps_what_was_found(
    tmp_path: Path, act: str, problem: str
) -> None:
    row = measured(tmp_path, act)
    assert problem in row.problem
    assert row.parts["facts"]["tokens_per_1000_characters"] == 250.0
    assert not list((tmp_path / "runs" / "bases").glob("kept/*"))


def test_a_candidate_that_hangs_is_given_up(tmp_path: Path) -> None:
    row = measured(tmp_path, "hang", timeout_s=1.0)
    assert "given up after 1 s: raise --timeout-s" in row.problem


def test_a_missing_candidate_is_a_row(tmp_path: Path) -> None:
    settings = TrainSettings(runs_dir=str(tmp_path))
    lines: list[str] = []
    row = measure_candidate(
        str(tmp_path / "none"), settings, PLAN, toy_texts(), progress=lines.append, child=CHILD
    )
    assert row.candidate is None
    assert row.problem.startswith("not available: no folder")
    assert lines


def test_a_second_comparison_reads_what_the_first_has_kept(tmp_path: Path) -> None:
    settings = TrainSettings(runs_dir=str(tmp_path / "runs"))
    name = base(tmp_path / "a", "1")

    def measure(**changes: object) -> list[str]:
        lines: list[str] = []
        plan = replace(PLAN, timeout_s=changes.pop("timeout_s", 60.0))  # type: ignore[arg-type]
        measure_candidate(
            name,
            replace(settings, **changes),  # type: ignore[arg-type]
            plan,
            toy_texts(),
            progress=lines.append,
            child=CHILD,
        )
        return lines

    assert measure() == [f"{name}: tokenizer"]
    (line,) = measure(timeout_s=99.0)
    assert "measured before" in line
    assert measure(lr=1e-3) == [f"{name}: tokenizer"]
    Path(name, "model.safetensors").write_bytes(b"others")
    assert measure() == [f"{name}: tokenizer"]


def test_the_texts_do_not_stay_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    measured(tmp_path, "die")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_code_that_measures_has_a_version() -> None:
    release, _, of_files = code_version().rpartition("-")
    assert release
    assert len(of_files) == 12


def test_a_name_of_what_measures_that_finds_no_file_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "_MEASURING", ("model.py", "moved/away/*.py"))
    with pytest.raises(FileNotFoundError, match="moved/away"):
        code_version()
