from deskwheel.settings import TriggerSettings
from tests.train.trigger.moments import NOW, inputs
from train.trigger.decide import judge
from train.trigger.explain import explained, explanation

POLICY = TriggerSettings(min_fresh_examples=100, quotas=("billing=20",), policies=("amount",))


def test_an_explanation_shows_every_policy_hold_and_category() -> None:
    facts = inputs({"billing": 10, "setup": 50}, per_day={"setup": 5.0, "billing": 40.0})
    entry = {"since": NOW.isoformat(), "looks": 7, "outcome": "too_few", "reason": "60 of 100"}
    text = explanation(facts, judge(facts, POLICY), POLICY, entries=[entry])
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "not yet   amount       60 of 100 fresh" in text
    assert "not asked quota        billing below its quota of 20" in text
    assert "free      cool_down" in text
    assert lines["billing"].count("█") == lines["billing"].count("░") == 12
    assert lines["billing"].endswith("10 of its quota 20, 40 a day")
    assert "50 of at most 50" in lines["setup"]
    assert "next at about Tue 12:00 UTC" in text
    assert "×7" in text


def test_an_explanation_of_nothing_says_so() -> None:
    facts = inputs()
    text = explanation(facts, judge(facts, POLICY), POLICY, entries=[])
    assert "no forecast" in text
    assert "no evaluation was logged yet" in text
    assert "0 of its quota 20" in text, "a category with a quota is shown, also without an example"


def test_programs_get_the_same_numbers() -> None:
    found = explained(inputs({"billing": 10}, corrections={"billing": 2}), POLICY)
    assert found["categories"] == [
        {
            "category": "billing", "fresh": 10, "counts": 10, "cap": 50, "quota": 20,
            "corrections": 2, "per_day": 0.0,
        }
    ]  # fmt: skip
    assert [p["policy"] for p in found["policies"]] == [
        "amount", "quota", "corrections", "drift", "age",
    ]  # fmt: skip
    assert [h["policy"] for h in found["holds"]] == ["cool_down", "budget", "quiet_hours"]
