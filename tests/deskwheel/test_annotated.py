import pytest
from fastapi.testclient import TestClient

from deskwheel import lake
from deskwheel.annotations import TARGETS, Annotation
from deskwheel.console.annotated import annotation_counts
from deskwheel.console.app import create_app
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import ANNOTATIONS, VALIDATED
from tests.validate.annotation.scene import answered, many


def store(settings: Settings, *rows: Annotation) -> None:
    lake.append(settings.pipeline.lake, ANNOTATIONS, to_table(rows, Annotation))


def test_nothing_annotated_is_no_failure(settings: Settings) -> None:
    counts = annotation_counts(settings.pipeline.lake)
    assert (counts["annotated"], counts["target"], counts["categories"]) == (0, TARGETS[0], {})


def test_an_example_counts_once_under_the_category_that_was_decided(settings: Settings) -> None:
    rows = many(6)
    lake.append(settings.pipeline.lake, VALIDATED, to_table(rows, type(rows[0])))
    store(
        settings,
        answered("ex-1", category="SETUP"),
        answered("ex-1", "rater-2", minute=1, category="ORDER"),
        answered("ex-1", "lead-1", is_adjudicated=True, category="REFUND"),
        answered("ex-2", is_skipped=True),
        answered("ex-3", is_gold=True),
    )
    store(settings, answered("ex-4", minute=2, category="ORDER"))
    counts = annotation_counts(settings.pipeline.lake)
    assert counts["categories"] == {"ORDER": 1, "REFUND": 1, "SETUP": 0}
    assert (counts["annotated"], counts["skipped"], counts["category_target"]) == (2, 1, 334)
    assert counts["annotators"] == {"rater-1": 2, "rater-2": 1}


@pytest.mark.parametrize(
    ("done", "target"), [(999, 1000), (1000, 5000), (5000, 20_000), (20_001, 20_000)]
)
def test_the_next_target_follows_the_one_that_is_reached(
    settings: Settings, done: int, target: int
) -> None:
    store(settings, *(answered(f"ex-{i}") for i in range(done)))
    assert annotation_counts(settings.pipeline.lake)["target"] == target


def test_the_console_shows_progress_by_category(settings: Settings) -> None:
    client = TestClient(create_app(settings), base_url="http://127.0.0.1:8000")
    page = client.get("/").text
    assert "Nobody has annotated yet" in page
    assert "annotate serve" in page
    store(settings, answered("ex-1"))
    client = TestClient(create_app(settings), base_url="http://127.0.0.1:8000")
    page = client.get("/").text
    assert "1 of 1,000 examples annotated" in page
    assert "annotate serve" in page
    assert "<td>REFUND</td>" in page
