from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from deskwheel.settings import Settings
from tests.train.rows import example, write_examples
from tests.train.trigger.moments import DAY, HOUR, NOW
from train.trigger.fresh import Fresh, fresh_examples
from train.trigger.traffic import Scenario, simulate, traffic_of

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
PLAIN = Scenario(begin=MONDAY, days=28, per_day=400, mix={"A": 3, "B": 1})


def test_made_up_traffic_is_the_same_for_the_same_seed() -> None:
    one, two, other = (simulate(PLAIN, step=HOUR, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.counted, two.counted)
    assert not np.array_equal(one.counted, other.counted)
    assert one.days == 28


def test_made_up_traffic_keeps_to_its_rate_mix_weekends_and_corrections() -> None:
    scenario = replace(PLAIN, weekend=0.25, corrected=0.1)
    found = simulate(scenario, step=HOUR, seed=1)
    by_day = found.counted.sum(axis=1).reshape(-1, 24).sum(axis=1).reshape(4, 7)
    assert by_day[:, :5].mean() == pytest.approx(400, rel=0.05)
    assert by_day[:, 5:].mean() == pytest.approx(100, rel=0.1)
    assert found.counted[:, 0].sum() / found.counted.sum() == pytest.approx(0.75, abs=0.02)
    assert found.corrections.sum() / found.counted.sum() == pytest.approx(0.1, abs=0.02)
    assert np.array_equal(found.plain + found.corrections, found.counted)


def test_traffic_grows_over_a_year() -> None:
    found = simulate(replace(PLAIN, days=365, growth=1.0), step=DAY, seed=1)
    by_day = found.counted.sum(axis=1)
    assert by_day[-30:].mean() / by_day[:30].mean() == pytest.approx(2, rel=0.1)


def test_a_tables_traffic_is_by_the_time_of_its_verdicts(settings: Settings) -> None:
    ages = {0: 0, 1: 1, 2: 1, 3: 5}
    rows = [replace(example(n), validated_at=NOW - h * HOUR) for n, h in ages.items()]
    rows.append(replace(example(9), validated_at=NOW, kind="preference", category="B"))
    version = write_examples(settings.pipeline.lake, rows)
    fresh = fresh_examples(settings.pipeline.lake, since=None, version=version)
    found = traffic_of(fresh, step=HOUR)
    assert found is not None
    assert (found.begin, found.names) == (NOW - 5 * HOUR, ["B", "SETUP"])
    assert found.counted[:, 1].tolist() == [1, 0, 0, 0, 2, 1]
    assert found.corrections[:, 0].tolist() == [0, 0, 0, 0, 0, 1]
    assert found.step == timedelta(hours=1)


def test_the_lengths_of_a_tables_answers_come_in_order_of_time(settings: Settings) -> None:
    rows = [
        replace(example(n), validated_at=NOW - h * HOUR, response="x" * size, category=name)
        for n, h, size, name in ((0, 0, 7, "A"), (1, 4, 3, "B"), (2, 2, 5, "A"))
    ]
    version = write_examples(settings.pipeline.lake, rows)
    fresh = fresh_examples(settings.pipeline.lake, since=None, version=version, has_lengths=True)
    found = traffic_of(fresh, step=HOUR)
    assert found is not None
    assert found.lengths.tolist() == [3, 5, 7]


def test_an_empty_table_has_no_traffic() -> None:
    assert traffic_of(Fresh(), step=HOUR) is None
