"""The population stability index: by hand, without drift, and kept as a baseline."""

import math
import random
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import lake
from deskwheel.errors import ConfigError, ServiceError
from deskwheel.records import ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import VALIDATED
from tests.validate.rows import GOOD
from validate.drift import (
    Baseline,
    baseline_verb,
    binned,
    make_baseline,
    measured,
    psi,
    stored_baseline,
)
from validate.periods import parse_period

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 1000), min_size=1)


def test_index_is_the_sum_by_hand() -> None:
    by_hand = (0.7 - 0.5) * math.log(0.7 / 0.5) + (0.3 - 0.5) * math.log(0.3 / 0.5)
    assert psi({"a": 0.5, "b": 0.5}, {"a": 7, "b": 3}, rows=10) == pytest.approx(by_hand)


@given(COUNTS)
def test_index_of_equal_shares_is_zero(counts: dict[str, int]) -> None:
    total = sum(counts.values())
    shares = {name: count / total for name, count in counts.items()}
    assert psi(shares, counts, rows=10**6) == pytest.approx(0)


@given(COUNTS, COUNTS)
def test_index_is_finite_and_never_negative(old: dict[str, int], new: dict[str, int]) -> None:
    total = sum(old.values())
    found = psi({n: c / total for n, c in old.items()}, new, rows=total)
    assert math.isfinite(found)
    assert found >= -1e-9


def test_bin_holds_what_is_above_its_lower_edge() -> None:
    assert binned([1, 2, 2.5, 9], [2, 8]) == ["0", "0", "1", "2"]


def baseline(rows: int, seed: int = 3) -> Baseline:
    chance = random.Random(seed)
    return make_baseline(
        [
            {
                "query_chars": chance.gauss(100, 20), "response_chars": 1,
                "placeholder_share": 0.0, "category": chance.choice("ab"), "channel": "chat",
                "reason": "none",
            }
            for _ in range(rows)
        ],
        begin="a",
        end="b",
    )  # fmt: skip


def test_traffic_as_before_is_below_the_limit_and_a_shift_above() -> None:
    chance, usual = random.Random(5), baseline(5000)
    same = [
        usual.psi("query_chars", [chance.gauss(100, 20) for _ in range(500)]) for _ in range(40)
    ]
    assert sum(value is not None and value > 0.1 for value in same) <= 2
    shifted = usual.psi("query_chars", [chance.gauss(115, 20) for _ in range(500)])
    assert shifted is not None
    assert shifted > 0.25


def test_batch_whose_sampling_alone_looks_like_drift_is_not_judged() -> None:
    usual = baseline(5000)
    assert usual.psi("query_chars", [1.0] * 100) is None
    assert usual.psi("category", ["new"] * 100) is not None
    assert baseline(100).psi("query_chars", [1.0] * 10_000) is None
    assert usual.psi("category", []) is None


def test_one_value_for_all_is_one_bin() -> None:
    usual = baseline(1000)
    assert usual.psi("response_chars", [1.0] * 500) == pytest.approx(0)
    assert (usual.psi("response_chars", [2.0] * 500) or 0) > 0.25


def judged(name: str, at: datetime, **changes: object) -> ValidatedExample:
    return ValidatedExample(
        **{**vars(GOOD), "example_id": name},
        verdict="valid", reasons=(), split="train", suite_version="s", validated_at=at,
    ) if not changes else replace(judged(name, at), **changes)  # type: ignore[arg-type]  # fmt: skip


def test_baseline_is_made_of_what_was_judged_lately(settings: Settings) -> None:
    now = datetime.now(UTC)
    rows = [
        judged("a", now, query="Call <PHONE_1> now", response="1234"),
        judged("b", now, verdict="quarantined", reasons=("NO_RULE", "CSAT_LOW")),
        judged("c", now - timedelta(days=8)),
        judged("d", now, verdict="superseded"),
    ]
    lake.append(settings.pipeline.lake, VALIDATED, to_table(rows, ValidatedExample))
    assert baseline_verb(settings, Namespace(over="7d", json=True)) == 0
    state = State(settings.pipeline.state_url)
    found = stored_baseline(state, settings.pipeline.name)
    assert stored_baseline(state, "other") is None
    state.close()
    assert found is not None
    assert found.rows == 2
    assert found.shares["reason"] == {"CSAT_LOW": 0.5, "none": 0.5}
    table = lake.read(settings.pipeline.lake, VALIDATED)
    measures = {r["query_chars"]: r for r in measured(table, {"CSAT_LOW"})}
    assert measures[18]["placeholder_share"] == pytest.approx(1 / 4)
    assert measures[18]["response_chars"] == 4
    with pytest.raises(ServiceError, match="nothing was judged in the last 0m"):
        baseline_verb(settings, Namespace(over="0m", json=False))


def test_what_is_no_length_of_time_is_refused() -> None:
    assert parse_period("90m") == timedelta(minutes=90)
    with pytest.raises(ConfigError, match="'7 weeks' is no length of time"):
        parse_period("7 weeks")
