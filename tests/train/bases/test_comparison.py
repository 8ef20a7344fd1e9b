import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from deskwheel.state import State
from tests.train.bases.test_run import base, measured
from tests.train.bases.toys import toy_texts
from tests.train.rows import settings_in
from train.bases.comparison import Comparison, compare_rows, to_plain_comparison
from train.bases.evidence import keep_evidence
from train.bases.plot import curves_picture
from train.bases.run import Row
from train.bases.table import print_comparison

TEXTS = toy_texts()
ANY = ["permissive", "unknown"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("rows")
    return [measured(folder, act) for act in ("0", "9", "die")]


@pytest.fixture(scope="module")
def found(rows: list[Row]) -> Comparison:
    return compare_rows(rows, TEXTS, full_size=1000, allowed=ANY)


def test_a_comparison_has_a_row_for_each_and_recommends_the_better(found: Comparison) -> None:
    good, bad, dead = found.entries
    assert found.recommendation.name == good.row.name
    assert found.basis == "predicted at 1,000 examples"
    assert good.prediction is not None
    assert bad.prediction is not None
    assert good.prediction.loss < bad.prediction.loss
    assert good.prediction.loss < good.points[-1][1]
    assert (dead.zero_shot, dead.prediction) == (None, None)
    assert found.front == {good.row.name}


def test_bits_per_byte_are_counted_over_all_test_answers(found: Comparison) -> None:
    texts = sum(len(row.response.encode()) for row in TEXTS.test)
    assert found.entries[0].zero_shot == pytest.approx(4 * 9.0 / 0.6931471805599453 / texts)


def test_an_answer_is_timed_by_characters_not_tokens(found: Comparison) -> None:
    assert found.entries[0].answer_s == pytest.approx(0.01 + 249 * 0.01)


def test_without_curves_the_untuned_loss_decides(rows: list[Row]) -> None:
    bare = [
        Row(name=r.name, candidate=r.candidate, parts={**r.parts, "tuned": []}) for r in rows[:2]
    ]
    found = compare_rows(bare, TEXTS, full_size=1000, allowed=ANY)
    assert found.basis == "measured before any tuning"
    assert found.recommendation.name is not None
    assert not found.recommendation.is_clear


def test_a_comparison_is_plain_json(found: Comparison) -> None:
    plain = json.loads(json.dumps(to_plain_comparison(found)))
    assert plain["recommended"] == found.recommendation.name
    assert [c["problem"] != "" for c in plain["candidates"]] == [False, False, True]
    assert plain["candidates"][0]["prediction"]["examples"] == 1000
    assert "nll" not in plain["candidates"][0]["tuned"][0]


def test_the_picture_has_a_curve_for_each_that_was_tuned(found: Comparison) -> None:
    picture = ElementTree.fromstring(curves_picture(found))  # noqa: S314  our own text
    lines = [e for e in picture.iter() if e.tag.endswith("polyline")]
    dots = [e for e in picture.iter() if e.tag.endswith("circle")]
    assert (len(lines), len(dots)) == (4, 8)


def test_the_picture_of_nothing_says_so() -> None:
    empty = compare_rows([Row(name="a", problem="gone")], TEXTS, full_size=10, allowed=ANY)
    assert "No candidate was fine-tuned" in curves_picture(empty)
    assert empty.recommendation.name is None


def test_the_table_shows_numbers_problems_and_reasons(found: Comparison) -> None:
    written = io.StringIO()
    print_comparison(found, Console(width=400, file=written))
    text = written.getvalue()
    assert "at 1,000" in text
    assert "killed, probably for want of memory" in text
    assert f"Recommended: {found.recommendation.name}" in text
    assert "no legal advice" in text


def test_evidence_is_kept_in_files_state_and_mlflow(
    tmp_path: Path, found: Comparison, tracking_database: Path
) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(tracking_database.read_bytes())
    folder = keep_evidence(settings, found)
    assert {p.name for p in folder.iterdir()} == {"comparison.json", "curves.svg"}
    state = State(settings.pipeline.state_url)
    document = state.get("bases", found.id)
    state.close()
    assert document is not None
    assert document[0]["folder"] == str(folder)
    assert keep_evidence(settings, found) == folder


def test_the_same_candidates_on_the_same_texts_have_one_id(tmp_path: Path) -> None:
    names = [base(tmp_path / act, act) for act in ("a", "b")]
    ids = {
        compare_rows([Row(name=n) for n in names], TEXTS, full_size=s, allowed=ANY).id
        for s in (10, 10, 20)
    }
    assert len(ids) == 2
