"""Tasks as review queues of the MLflow server, one a rater, and the answers given there.

Writes and reads traces, label schemas, review queues and assessments on `train.mlflow_uri`;
touches no table or topic. An item of a queue is done for everybody once one person finished it, so
each annotator gets a queue of their own. Its texts are outside the lake: delete the experiment when
the plan is done, as an erasure does not reach it.
Source: MLflow 3.17, `mlflow.genai.review_queues` and `mlflow.genai.label_schemas`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import mlflow
from mlflow.entities import AssessmentSourceType
from mlflow.exceptions import MlflowException
from mlflow.genai import label_schemas, review_queues

from validate.annotation.guide import QUESTIONS, Question, values_of
from validate.annotation.intake import Given
from validate.annotation.shown import Shown

EXAMPLE_TAG = "deskwheel.example_id"
PLAN_TAG = "deskwheel.plan_id"
_PAGE = 500
_MS = 1000


def write(
    uri: str,
    tasks: Mapping[str, Sequence[Shown]],
    *,
    pipeline: str,
    plan_id: str,
    categories: Sequence[str],
) -> list[str]:
    """Make the queues of a plan and return their names; a repeated call adds what is missing.

    Args:
        uri: MLflow's tracking address.
        tasks: annotator's key → what to show, in order.
        pipeline: names the experiment.
        plan_id: names the queues.
        categories: values of the category.
    """
    experiment = _experiment(uri, pipeline)
    schemas = [_schema_id(experiment, q, categories) for q in QUESTIONS]
    schemas.append(_schema_id(experiment, None, categories))
    traces = _traces(experiment, plan_id)
    for item in (item for items in tasks.values() for item in items):
        if item.example_id not in traces:
            traces[item.example_id] = _trace(experiment, item, plan_id)
    mlflow.flush_trace_async_logging()
    names = []
    for key, items in tasks.items():
        queue = _queue(experiment, f"{plan_id} {key}", key, schemas)
        ids = [traces[item.example_id] for item in items]
        for start in range(0, len(ids), _PAGE):
            review_queues.add_items_to_review_queue(
                queue.queue_id, item_ids=ids[start : start + _PAGE]
            )
        names.append(queue.name)
    return names


def read(
    uri: str, *, pipeline: str, plan_id: str, annotators: Sequence[str]
) -> Iterator[Given | str]:
    """Answers in the queues of a plan: items that are complete, and declined ones as skipped.

    What counts is who the queue belongs to: without a login MLflow names everybody alike, so that
    two annotators must not answer one example under the same name.
    """
    experiment = _experiment(uri, pipeline)
    for key in annotators:
        name = f"{plan_id} {key}"
        try:
            queue = review_queues.get_review_queue(name=name, experiment_id=experiment)
        except MlflowException:
            yield f"queue {name!r}: not on {uri}; run `annotate export --format mlflow` first"
            continue
        for item in _items(queue.queue_id):
            if str(item.status) != "pending":
                yield _given(name, item, key)


def _given(queue: str, item: Any, key: str) -> Given:
    trace = mlflow.get_trace(item.item_id)
    answers, at = {}, None
    who = {key, item.completed_by}
    for told in trace.info.assessments if trace else ():
        is_human = told.source.source_type == AssessmentSourceType.HUMAN
        if is_human and told.source.source_id in who and told.feedback is not None:
            answers[told.name] = told.feedback.value
    if item.completed_time_ms:
        at = datetime.fromtimestamp(item.completed_time_ms / _MS, UTC)
    comment = answers.pop("comment", "")
    return Given(
        where=f"queue {queue!r}, trace {item.item_id}",
        example_id=trace.info.tags.get(EXAMPLE_TAG, "") if trace else "",
        annotator=key,
        answers=answers,
        comment=comment if isinstance(comment, str) else "",
        at=at,
        is_skipped=str(item.status) == "declined",
    )


def _experiment(uri: str, pipeline: str) -> str:
    mlflow.set_tracking_uri(uri)
    return str(mlflow.set_experiment(f"deskwheel-annotation-{pipeline}").experiment_id)


def _schema_id(experiment: str, question: Question | None, categories: Sequence[str]) -> str:
    """The label schema of a question, or that of the comment."""
    name = question.name if question else "comment"
    try:
        found = label_schemas.get_label_schema(name, experiment_id=experiment)
    except MlflowException:
        found = label_schemas.create_label_schema(
            name,
            type="feedback",
            input=_input(question, categories),
            instruction=question.rule if question else "No personal data.",
            experiment_id=experiment,
        )
    return str(found.schema_id)


def _input(question: Question | None, categories: Sequence[str]) -> Any:
    if question is None:
        return label_schemas.InputText()
    options = [str(value) for value in values_of(question, categories)]
    return label_schemas.InputCategorical(options=options)


def _queue(experiment: str, name: str, key: str, schemas: list[str]) -> Any:
    try:
        return review_queues.get_review_queue(name=name, experiment_id=experiment)
    except MlflowException:
        return review_queues.create_review_queue(
            name, queue_type="custom", users=[key], schema_ids=schemas, experiment_id=experiment
        )


def _items(queue_id: str) -> Iterator[Any]:
    token = None
    while True:
        page = review_queues.list_review_queue_items(queue_id, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _trace(experiment: str, item: Shown, plan_id: str) -> str:
    span = mlflow.start_span_no_context(
        "example",
        inputs={"conversation": item.conversation, "query": item.query},
        tags={EXAMPLE_TAG: item.example_id, PLAN_TAG: plan_id},
        experiment_id=experiment,
    )
    span.set_outputs(item.response)
    span.end()
    return str(span.trace_id)


def _traces(experiment: str, plan_id: str) -> dict[str, str]:
    """Trace of each example that the plan has put there already."""
    found = mlflow.search_traces(
        locations=[experiment],
        filter_string=f"tags.`{PLAN_TAG}` = '{plan_id}'",
        return_type="list",
        include_spans=False,
    )
    return {trace.info.tags[EXAMPLE_TAG]: trace.info.trace_id for trace in found}
