from pathlib import Path

import pytest
from mlflow import log_feedback, set_tracking_uri
from mlflow.entities import AssessmentSource
from mlflow.genai import review_queues

from tests.validate.annotation.scene import ANSWERS, CATEGORIES
from validate.annotation import mlflow_queue
from validate.annotation.guide import QUESTIONS
from validate.annotation.intake import Given
from validate.annotation.shown import Shown

pytestmark = pytest.mark.slow

ITEMS = [Shown(f"ex-{i}", "What now?", "Hold the button.", ()) for i in range(3)]
TASKS = {"rater-1": ITEMS, "rater-2": ITEMS[:1]}


def test_each_rater_has_a_queue_and_gets_back_what_they_answered(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    asked = {"pipeline": "support", "plan_id": "plan-1"}
    try:
        names = [mlflow_queue.write(uri, TASKS, categories=CATEGORIES, **asked) for _ in range(2)]
        assert names == [["plan-1 rater-1", "plan-1 rater-2"]] * 2
        experiment = mlflow_queue._experiment(uri, "support")  # noqa: SLF001
        traces = mlflow_queue._traces(experiment, "plan-1")  # noqa: SLF001
        assert set(traces) == {"ex-0", "ex-1", "ex-2"}
        queues = {q.name: q for q in review_queues.list_review_queues(experiment_id=experiment)}
        first = queues["plan-1 rater-1"]
        assert len(first.schema_ids) == len(QUESTIONS) + 1
        for name, value in {**ANSWERS, "comment": "fine"}.items():
            for rater in ("rater-1", "rater-2"):
                said = str(value) if rater == "rater-1" else "other"
                source = AssessmentSource(source_type="HUMAN", source_id=rater)
                log_feedback(trace_id=traces["ex-0"], name=name, value=said, source=source)
        for example, status in (("ex-0", "complete"), ("ex-1", "declined")):
            review_queues.set_review_queue_item_status(
                first.queue_id, item_id=traces[example], status=status, completed_by="rater-1"
            )
        found = list(mlflow_queue.read(uri, annotators=["rater-1", "rater-3"], **asked))
        given = {g.example_id: g for g in found if isinstance(g, Given)}
        assert given["ex-0"].answers == {k: str(v) for k, v in ANSWERS.items()}
        assert (given["ex-0"].comment, given["ex-0"].annotator) == ("fine", "rater-1")
        assert given["ex-1"].is_skipped
        assert set(given) == {"ex-0", "ex-1"}
        assert [text.partition(":")[0] for text in found if isinstance(text, str)] == [
            "queue 'plan-1 rater-3'"
        ]
    finally:
        set_tracking_uri(None)
