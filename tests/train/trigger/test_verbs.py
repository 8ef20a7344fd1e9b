import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deskwheel.errors import ConfigError, ServiceError
from deskwheel.settings import Settings
from deskwheel.stage import run_stage
from deskwheel.state import State
from tests.train.trigger.moments import claim, fill
from train.__main__ import VERBS
from train.trigger.variants import read_variants
from train.trigger.verbs import trigger
from train.watch import Watcher

Said = Callable[..., str]


def arguments(*words: str) -> argparse.Namespace:
    """The verb's arguments, parsed as the command line does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--set", action="append", default=[])
    for option in VERBS["trigger"].options:
        parser.add_argument(*option.flags, **option.keywords)
    return parser.parse_args(words)


@pytest.fixture
def say(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*words: str) -> str:
        assert trigger(settings, arguments(*words)) == 0
        return capsys.readouterr().out

    return run


def test_status_prints_the_decision_and_changes_nothing(
    settings: Settings, state: State, say: Said
) -> None:
    version = fill(settings)
    assert json.loads(say("--json")) == {
        "outcome": "fired",
        "fired": True,
        "effective": 4,
        "version": version,
        "reason": "4 effective of 4 fresh examples reach the minimum of 4",
        "next_at": None,
        "is_paused": False,
        "request": None,
    }
    assert say() == "fired: 4 effective of 4 fresh examples reach the minimum of 4\n"
    assert state.windows("support") == []
    assert state.timeline("support") == []


def test_pause_resume_and_fire_are_told_with_actor_and_reason(
    settings: Settings, state: State, say: Said
) -> None:
    fill(settings)
    assert say("pause", "--reason", "audit").startswith("paused; nothing starts until `resume` (")
    assert json.loads(say("status", "--json"))["is_paused"]
    assert json.loads(say("resume", "--json"))["action"] == "resume"
    order = json.loads(say("fire", "--reason", "new product", "--json"))
    assert json.loads(say("--json"))["request"] == order["id"]
    newest = state.timeline("support")[0]
    assert (newest["kind"], newest["detail"]["reason"]) == ("asked", "new product")
    assert "@" in newest["detail"]["by"]
    Watcher(settings, state, owner="a").step(datetime.now(UTC))
    assert state.windows("support")[0]["detail"]["request"] == order["id"]


@pytest.mark.parametrize("action", ["pause", "fire"])
def test_an_order_needs_a_reason(settings: Settings, action: str) -> None:
    with pytest.raises(ConfigError, match="say why with --reason"):
        trigger(settings, arguments(action))


def test_explain_shows_the_last_evaluations(settings: Settings, state: State, say: Said) -> None:
    fill(settings)
    Watcher(settings, state, owner="a").step(datetime.now(UTC))
    assert "×1     fired: 4 effective" in say("explain")
    found = json.loads(say("explain", "--json"))
    assert found["evaluations"][0]["outcome"] == "fired"
    assert {"policies", "holds", "categories"} <= found.keys()


def test_replay_puts_policies_beside_each_other_and_draws_them(say: Said, tmp_path: Path) -> None:
    picture = tmp_path / "cost.svg"
    words = ["replay", "--simulate", "--days", "30", "--step-h", "6", "--plot", str(picture)]
    words += ["--sweep", "min_fresh_examples=500,2000", "--policy", 'policies=["age"];max_age_d=3']
    lines = say(*words).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == [
        "today's settings", 'policies=["age"]; max_age_d=3', "min_fresh_examples=500",
        "min_fresh_examples=2000",
    ]  # fmt: skip
    assert lines[0] == "over 30.0 days; runs and hours are scaled to a year"
    assert picture.read_text().count("<circle") == 4
    assert say(*words) == "\n".join(lines) + "\n", "the same seed gives the same"
    found = json.loads(say(*words, "--json"))
    assert found[2]["runs_a_year"] > found[3]["runs_a_year"]
    assert found[2]["mean_age_d"] < found[3]["mean_age_d"]


def test_replay_of_a_table_ends_with_what_really_happened(
    settings: Settings, state: State, say: Said
) -> None:
    claim(state, fill(settings))
    lines = say("replay", "--sweep", "min_fresh_examples=4").splitlines()
    assert lines[-1].startswith("as it was")


def test_replay_without_a_table_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(ServiceError, match="add --simulate"):
        trigger(settings, arguments("replay"))


@pytest.mark.parametrize(
    "words",
    [
        ["--policy", "min_fresh=1"],
        ["--policy", "min_fresh_examples=x"],
        ["--sweep", "min_fresh_examples"],
    ],
)
def test_a_policy_that_cannot_be_read_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError):
        read_variants(arguments("replay", *words))


@pytest.mark.parametrize(
    "words",
    [
        "--step-h 0", "--step-h -1", "--step-h 1e-09", "--days 0", "--days -3", "--days nan",
        "--per-day -5", "--per-day inf", "--weekend -1", "--growth -1", "--growth 50",
        "--corrected 2", "--corrected -0.1", "--run-h -3", "--seed -1", "--days 0.5 --step-h 24",
    ],
)  # fmt: skip
def test_a_number_that_nothing_can_be_made_of_is_refused_with_its_range(
    settings: Settings, words: str
) -> None:
    flag, value = words.split()[:2]
    with pytest.raises(ConfigError, match=f"{flag} {value} is"):
        trigger(settings, arguments("replay", "--simulate", *words.split()))


@pytest.mark.parametrize("words", ["--corrected 1", "--per-day 0", "--weekend 0", "--run-h 0"])
def test_the_ends_of_a_range_can_be_replayed(say: Said, words: str) -> None:
    line = f"replay --simulate --days 5 --step-h 24 --json {words}"
    assert len(json.loads(say(*line.split()))) == 1


def test_replay_says_that_made_up_answers_have_no_lengths_to_drift_by(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["replay", "--simulate", "--days", "5", "--step-h", "24"]
    trigger(settings, arguments(*line))
    assert capsys.readouterr().err == ""
    trigger(settings, arguments(*line, "--policy", 'policies=["amount+drift"]'))
    assert "drift is of categories only" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-3"])
def test_explain_shows_one_evaluation_at_least(settings: Settings, limit: str) -> None:
    with pytest.raises(ConfigError, match=f"--limit {limit} is not from 1 to"):
        trigger(settings, arguments("explain", "--limit", limit))


@pytest.mark.parametrize("mix", ["billing", "a=0", "a=-1,b=2", "a=nan,b=1", "a=inf"])
def test_a_mix_that_cannot_be_read_is_refused(settings: Settings, mix: str) -> None:
    with pytest.raises(ConfigError, match="write NAME=SHARE"):
        trigger(settings, arguments("replay", "--simulate", "--mix", mix))


def test_a_quota_can_be_set_on_the_command_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    place = settings.pipeline
    line = ["trigger", "--set", f"pipeline.lake={place.lake}"]
    line += ["--set", f"pipeline.state_url={place.state_url}"]
    line += ["--set", 'trigger.policies=["amount+quota"]']
    line += ["--set", 'trigger.quotas=["billing=5%"]']
    assert run_stage("train", "", VERBS, line) == 0
    assert capsys.readouterr().out == (
        "too_few: 0 of 1,000 fresh; billing below its quota of 50; no forecast: fewer than 5 came"
        " lately\n"
    )
