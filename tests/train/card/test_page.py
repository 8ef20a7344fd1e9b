import json
from pathlib import Path

import pytest
import yaml

from deskwheel.settings import Settings
from tests.train.card.records import evaluation_of, run_in, two_snapshots
from tests.train.rows import settings_in
from train.card.environment import describe_worker
from train.card.facts import card_facts
from train.card.page import CARD, FACTS, front_matter, render_card, write_card

HISTORY = [{"step": float(i), "loss": 3.0 / i} for i in range(1, 41)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    two_snapshots(settings)
    return settings


def facts_in(settings: Settings, folder: Path, **changes: object) -> dict[str, object]:
    run = run_in(folder, **changes)
    told = {"environment": describe_worker(), "best_step": 10, "dev_loss": 1.25, "packed": {}}
    return card_facts(settings, run, evaluation_of(run), history=HISTORY, told=told)


def test_a_card_says_what_the_model_comes_from_and_what_came_of_it(
    settings: Settings, tmp_path: Path
) -> None:
    page = render_card(facts_in(settings, tmp_path))
    for said in (
        "`python -m validate snapshot card snap-1`",
        "| SETUP | 3 |",
        "apache-2.0",
        "**HOLD** on 60 examples",
        "| rouge_l | 0.1000 | 0.4000 | 0.5000 |",
        "| category BILLING | rouge_l | 60 | -0.2000 (-0.2500 to -0.1500) | loss |",
        "the weights kept are those of step 10",
        "kWh = hours x workers x watts x PUE / 1000",
        "`train.price_per_hour` is not set",
        "| lr | 0.0002 |",
        "torch",
        "## Limits",
        "## Intended use",
    ):
        assert said in page


def test_the_header_is_yaml_as_the_hub_reads_it(settings: Settings, tmp_path: Path) -> None:
    header = front_matter(facts_in(settings, tmp_path)).split("---")[1]
    matter = yaml.safe_load(header)
    assert matter["library_name"] == "peft"
    assert matter["license"] == "apache-2.0"
    assert "base_model" not in matter
    metrics = matter["model-index"][0]["results"][0]["metrics"]
    assert {"type": "rouge_l", "value": 0.5} in metrics


def test_no_address_with_a_password_is_on_a_card(settings: Settings, tmp_path: Path) -> None:
    facts = facts_in(settings, tmp_path)
    assert "secret" not in json.dumps(facts) + render_card(facts)


def test_attempts_that_were_broken_off_cost_energy_and_are_told(
    settings: Settings, tmp_path: Path
) -> None:
    once, again = (facts_in(settings, tmp_path, earlier_s=s) for s in (0.0, 54 * 60.0))
    hours = [facts["energy"]["device_hours"] for facts in (once, again)]  # type: ignore[index]
    assert hours == [pytest.approx(0.1), pytest.approx(1.0)]
    assert "after 54 min of attempts that were broken off." in render_card(again)
    assert "broken off" not in render_card(once)
    del once["earlier_s"]
    assert "(the last attempt only)." in render_card(once)


def test_both_files_lie_beside_the_adapter(settings: Settings, tmp_path: Path) -> None:
    facts = facts_in(settings, tmp_path)
    write_card(tmp_path, facts)
    assert json.loads((tmp_path / FACTS).read_text()) == json.loads(json.dumps(facts))
    assert (tmp_path / CARD).read_text().startswith("---\nlibrary_name")


def test_a_snapshot_that_is_not_in_the_table_is_said_to_be_missing(
    settings: Settings, tmp_path: Path
) -> None:
    page = render_card(facts_in(settings, tmp_path, snapshot_id="file-1"))
    assert "not in the table of snapshots" in page


def test_a_long_curve_is_sketched_from_first_to_last(settings: Settings, tmp_path: Path) -> None:
    training = facts_in(settings, tmp_path)["training"]
    assert isinstance(training, dict)
    points = training["loss"]
    assert len(points) == 12
    assert (points[0][0], points[-1][0]) == (1, 40)
