from pathlib import Path
from typing import Any

import pytest

from deskwheel.records import Evaluation
from deskwheel.settings import GateSettings, Settings
from tests.train.card.records import run_in
from train.continual.start import Start
from train.judging.metrics import HIGHER_IS_BETTER
from train.judging.scores import Score, Scored, to_plain
from train.runs import fit

judged = fit._evaluation_record  # noqa: SLF001  the last thing that a run does

SETTINGS = Settings(gate=GateSettings(min_test_conversations=100))


def scored(*, category_lead: dict[str, float]) -> Scored:
    """120 conversations of each category, with a lead on the primary metric."""
    scores = [
        Score(
            example_id=f"{category}-{i}",
            conversation_id=f"{category}-{i}",
            values={**dict.fromkeys(HIGHER_IS_BETTER, 0.5), "rouge_l": 0.5 + lead + i % 2 / 100},
            category=category,
        )
        for category, lead in category_lead.items()
        for i in range(120)
    ]
    return Scored(scores=tuple(scores), answers=(), summary={"rouge_l": 0.5})


def evaluation(folder: Path, policy: Any) -> Evaluation:
    """A challenger that is better on the whole, and worse on returns."""
    champion = scored(category_lead={"SETUP": 0.0, "RETURN": 0.0})
    challenger = scored(category_lead={"SETUP": 0.4, "RETURN": -0.1})
    answer = {"scored": to_plain({"champion": champion, "challenger": challenger})}
    start = Start(policy=policy, reason="r")
    return judged(SETTINGS, run_in(folder), answer, start=start)


def test_a_warm_start_that_forgets_a_category_is_held(tmp_path: Path) -> None:
    found = evaluation(tmp_path, "warm")
    assert found.verdict == "HOLD"
    assert found.reasons[0].startswith("forgotten in category RETURN: rouge_l lead -0.1000")


def test_after_a_retrain_the_same_loss_is_only_told(tmp_path: Path) -> None:
    found = evaluation(tmp_path, "retrain")
    assert found.verdict == "PROMOTE"
    assert [s.slice for s in found.shifts if s.is_loss] == ["RETURN"]


@pytest.mark.parametrize("policy", ["warm", "retrain"])
def test_a_run_tells_how_it_started(tmp_path: Path, policy: Any) -> None:
    start = Start(policy=policy, reason="because", from_run="run-0")
    history = [{"step": 1.0, "loss": 2.0}]
    answer = {
        "history": history,
        "content_digest": "d",
        "steps": 1,
        "precision": "bf16",
        "compiled": "kernels",
        "preference": {"told": "none"},
    }
    run = fit._run_record(  # noqa: SLF001
        SETTINGS,
        fit.Fit(run_id="run-1", snapshot_id="snap-1"),
        answer,
        adapter_dir=tmp_path,
        when=fit._Times(started_at=run_in(tmp_path).started_at, earlier_s=90.0),  # noqa: SLF001
        start=start,
    )
    assert run.earlier_s == 90.0
    assert (run.settings["precision"], run.settings["compile"]) == ("bf16", "kernels")
    told = {key: run.settings[key] for key in ("start", "start_reason", "start_run")}
    assert told == {"start": policy, "start_reason": "because", "start_run": "run-0"}
