from argparse import Namespace
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy import promote
from deploy.promote import Action, act_on_evaluations
from deploy.rollback import rollback, take_out
from deploy.roster import PROMPT_BOT, read_split, read_variant
from deskwheel.records import Evaluation, GateVerdict, Run
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.deploy.conftest import NOW

Scores = dict[str, dict[str, float]]
GOOD: Scores = {
    "base": {"rouge_l": 0.1},
    "champion": {"rouge_l": 0.2, "token_f1": 0.3},
    "challenger": {"rouge_l": 0.5, "token_f1": 0.6},
}


class Desk:
    """Runs and evaluations in a real state database, and a registry that counts."""

    def __init__(self, state: State, settings: Settings, folder: Path) -> None:
        self.state, self.settings, self.folder = state, settings, folder
        self.registered: list[str] = []
        self.is_registry_down = False

    def add(
        self,
        n: int,
        verdict: GateVerdict = "PROMOTE",
        *,
        scores: Scores = GOOD,
        pipeline: str = "support",
        examples: int = 600,
        has_run: bool = True,
        has_adapter: bool = True,
    ) -> None:
        adapter = self.folder / f"run-{n}"
        if has_adapter:
            adapter.mkdir()
        run = Run(
            run_id=f"run-{n}",
            pipeline=pipeline,
            snapshot_id="snap",
            content_digest="d",
            base_model="demo",
            adapter_uri=adapter.as_uri(),
            seed=7,
            steps=10,
            first_loss=3.0,
            last_loss=1.0,
            settings={"lr": "2e-4"},
            started_at=NOW,
            finished_at=NOW,
            code_version="0",
        )
        evaluation = Evaluation(
            evaluation_id=f"eval-{n}",
            run_id=f"run-{n}",
            snapshot_id="snap",
            examples=examples,
            scores=scores,
            verdict=verdict,
            reasons=["a toy reason"],
            evaluated_at=NOW + timedelta(minutes=n),
        )
        if has_run:
            self.state.put("run", run.run_id, asdict(run))
        self.state.put("evaluation", evaluation.evaluation_id, asdict(evaluation))

    def act(self) -> list[Action]:
        return act_on_evaluations(
            self.state, self.settings, versions=self._version, now=NOW + timedelta(hours=1)
        )

    def told(self) -> list[tuple[str, str]]:
        kinds = ("promoted", "held", "rejected", "rolled_back")
        entries = reversed(self.state.timeline("support"))
        return [(e["kind"], e["subject"]) for e in entries if e["kind"] in kinds]

    def _version(
        self, settings: Settings, run: Run, evaluation: Evaluation, directory: Path
    ) -> str:
        assert directory.is_dir()
        if self.is_registry_down:
            raise ConnectionError("the toy registry is down")
        self.registered.append(run.run_id)
        return str(len(self.registered))


@pytest.fixture
def desk(state: State, settings: Settings, tmp_path: Path) -> Desk:
    return Desk(state, settings, tmp_path)


def test_promoted_adapter_becomes_the_challenger(desk: Desk) -> None:
    desk.add(1)
    (action,) = desk.act()
    assert (action.outcome, action.variant, action.is_final) == ("promoted", "support-v1", True)
    split = read_split(desk.state, "support")
    assert (split.champion, split.challenger, split.share) == (PROMPT_BOT, "support-v1", 0.5)
    variant = read_variant(desk.state, "support-v1")
    assert (variant.kind, variant.run_id, variant.role) == ("adapter", "run-1", "challenger")
    assert variant.adapter_uri == (desk.folder / "run-1").as_uri()
    assert read_variant(desk.state, PROMPT_BOT).share == 0.5
    assert desk.told() == [("promoted", "support-v1")]


def test_second_pass_does_nothing(desk: Desk) -> None:
    desk.add(1)
    desk.add(2, "HOLD")
    assert len(desk.act()) == 2
    before = (read_split(desk.state, "support"), desk.told())
    assert desk.act() == []
    assert (read_split(desk.state, "support"), desk.told()) == before
    assert desk.registered == ["run-1"]


@pytest.mark.parametrize(("verdict", "outcome"), [("HOLD", "held"), ("REJECT", "rejected")])
def test_other_verdicts_are_noted_and_change_no_traffic(
    desk: Desk, verdict: GateVerdict, outcome: str
) -> None:
    desk.add(1, verdict)
    (action,) = desk.act()
    assert (action.outcome, action.reason, action.is_final) == (outcome, "a toy reason", True)
    assert read_split(desk.state, "support").challenger is None
    assert desk.told() == [(outcome, "eval-1")]


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        ({}, "rouge_l of the champion is missing"),
        ({"champion": {"rouge_l": 0.1}}, "rouge_l of the challenger is missing"),
        ({**GOOD, "champion": {"token_f1": 0.3}}, "rouge_l of the champion is missing"),
        ({**GOOD, "challenger": {"rouge_l": float("nan")}}, "rouge_l of the challenger is nan"),
        ({**GOOD, "base": {"rouge_l": float("inf")}}, "rouge_l of the base is inf"),
    ],
)
def test_missing_scores_never_promote(desk: Desk, scores: Scores, why: str) -> None:
    desk.add(1, scores=scores)
    (action,) = desk.act()
    assert (action.outcome, action.reason, action.is_final) == ("held", why, True)
    assert read_split(desk.state, "support").challenger is None


def test_an_evaluation_of_no_examples_never_promotes(desk: Desk) -> None:
    desk.add(1, examples=0)
    assert [a.outcome for a in desk.act()] == ["held"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"run_id": "run-1", "verdict": "PROMOTE"},
        {"verdict": "promote", "scores": GOOD},
        {"verdict": "PROMOTE", "scores": [1, 2], "reasons": []},
        {"verdict": "PROMOTE", "scores": {"challenger": {"rouge_l": "high"}}, "reasons": []},
    ],
)
def test_a_broken_evaluation_is_held(desk: Desk, body: dict[str, Any]) -> None:
    desk.state.put("evaluation", "eval-x", body)
    (action,) = desk.act()
    assert (action.outcome, action.is_final) == ("held", True)
    assert "cannot be read" in action.reason
    assert read_split(desk.state, "support").challenger is None
    assert desk.act() == []


def test_a_broken_evaluation_does_not_stop_a_good_one(desk: Desk) -> None:
    desk.add(1)
    desk.state.put("evaluation", "eval-x", {"verdict": "PROMOTE", "evaluated_at": "2099"})
    assert sorted(a.outcome for a in desk.act()) == ["held", "promoted"]


def test_a_missing_adapter_is_held_until_it_is_there(desk: Desk) -> None:
    desk.add(1, has_adapter=False)
    (action,) = desk.act()
    assert (action.outcome, action.is_final) == ("held", False)
    assert "run-1 is missing" in action.reason
    assert desk.act() == []
    (desk.folder / "run-1").mkdir()
    assert [a.outcome for a in desk.act()] == ["promoted"]


def test_a_missing_run_is_held(desk: Desk) -> None:
    desk.add(1, has_run=False)
    (action,) = desk.act()
    assert (action.outcome, action.is_final) == ("held", False)
    assert "run run-1" in action.reason


def test_a_registry_that_is_down_is_waited_for(desk: Desk) -> None:
    desk.add(1)
    desk.is_registry_down = True
    (action,) = desk.act()
    assert (action.outcome, action.is_final) == ("held", False)
    assert "toy registry" in action.reason
    desk.is_registry_down = False
    assert [a.outcome for a in desk.act()] == ["promoted"]


def test_while_a_challenger_is_under_test_the_next_one_waits(desk: Desk) -> None:
    desk.add(1)
    desk.act()
    desk.add(2)
    (action,) = desk.act()
    assert (action.outcome, action.is_final) == ("held", False)
    assert action.reason == "challenger support-v1 still under test"
    assert desk.act() == []
    take_out(desk.state, "support", "toy")
    (action,) = desk.act()
    assert (action.outcome, action.variant) == ("promoted", "support-v2")
    assert desk.told() == [
        ("promoted", "support-v1"),
        ("held", "eval-2"),
        ("rolled_back", "support-v1"),
        ("promoted", "support-v2"),
    ]


def test_of_several_waiting_the_newest_is_tested(desk: Desk) -> None:
    desk.add(2)
    desk.add(1)
    first, second = desk.act()
    assert (first.evaluation_id, first.reason) == ("eval-1", "superseded by evaluation eval-2")
    assert (second.evaluation_id, second.outcome) == ("eval-2", "promoted")
    assert desk.registered == ["run-2"]


def test_each_test_draws_its_arms_anew(desk: Desk) -> None:
    desk.add(1)
    desk.act()
    first = read_split(desk.state, "support").salt
    take_out(desk.state, "support", "toy")
    desk.add(2)
    desk.act()
    assert read_split(desk.state, "support").salt != first


def test_a_crash_before_the_action_was_stored_is_finished_without_repeating(desk: Desk) -> None:
    desk.add(1)
    desk.act()
    split = read_split(desk.state, "support")
    unfinished = desk.state.documents("action")["eval-1"] | {"is_final": False}
    desk.state.put("action", "eval-1", unfinished)
    assert [a.outcome for a in desk.act()] == ["promoted"]
    assert read_split(desk.state, "support") == split
    assert desk.registered == ["run-1"]
    assert desk.told() == [("promoted", "support-v1")]


def test_a_rolled_back_variant_is_never_brought_back(desk: Desk) -> None:
    desk.add(1)
    desk.act()
    take_out(desk.state, "support", "toy")
    desk.state.put("action", "eval-1", desk.state.documents("action")["eval-1"] | {"is_final": 0})
    (action,) = desk.act()
    assert (action.outcome, action.is_final) == ("held", True)
    assert read_split(desk.state, "support").challenger is None


def test_evaluations_of_another_pipeline_are_left_alone(desk: Desk) -> None:
    desk.add(1, pipeline="sales")
    assert desk.act() == []


def test_watch_once_makes_one_pass(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promote, "registry_version", lambda *_: "9")
    desk.add(1)
    assert promote.watch(desk.settings, Namespace(once=True, json=False)) == 0
    assert capsys.readouterr().out == "promoted: support-v9: a toy reason\n"


def test_rollback_takes_the_challenger_out(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.add(1)
    desk.act()
    arguments = Namespace(json=False, reason="toy complaint")
    assert rollback(desk.settings, arguments) == 0
    split = read_split(desk.state, "support")
    assert (split.challenger, split.share) == (None, 0.0)
    assert read_variant(desk.state, "support-v1").role == "retired"
    assert read_variant(desk.state, PROMPT_BOT).share == 1.0
    (entry,) = desk.state.timeline("support", kind="rolled_back")
    assert (entry["subject"], entry["detail"]["reason"]) == ("support-v1", "toy complaint")
    assert rollback(desk.settings, arguments) == 0
    assert "nothing to roll back" in capsys.readouterr().out
    assert len(desk.state.timeline("support", kind="rolled_back")) == 1
