"""Answers from anywhere into `annotations`: checked one by one, each stored once.

Reads `annotation_tasks`; writes `annotations`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import deskwheel
from deskwheel.annotations import Annotation, AnnotationSource
from deskwheel.ids import record_id
from deskwheel.settings import Settings
from validate.annotation import store
from validate.annotation.annotators import annotator_key
from validate.annotation.guide import (
    GUIDE_VERSION,
    NAMES,
    Answer,
    comment_problem,
    missing,
    read_answers,
)


@dataclass(frozen=True)
class Given:
    """What somebody answered, as a labelling tool tells it."""

    where: str
    """File and line, for messages."""
    example_id: str
    annotator: str
    """A name or number of the tool; stored as its key."""
    answers: Mapping[str, Any]
    comment: str = ""
    at: datetime | None = None
    """When, where the tool says so."""
    is_skipped: bool = False


@dataclass(frozen=True)
class TakenIn:
    """What became of the answers of an import."""

    stored: int
    known: int
    """Answers that had been taken in before."""
    refused: tuple[str, ...]
    """Each begins with where the answer stands; the others were kept."""
    notes: tuple[str, ...]
    """What was kept otherwise than it was given: without a comment, or from nobody of the plan."""


def take_in(
    settings: Settings,
    given: Iterable[Given | str],
    *,
    plan_id: str,
    source: AnnotationSource,
    now: datetime,
) -> TakenIn:
    """Store what holds, and say what was refused and why.

    Repeating a call stores nothing twice: the id of an annotation follows from its answers and
    the time that the tool states.

    Args:
        settings: where the lake is, and the categories.
        given: answers, or a text for one that could not be read at all.
        plan_id: only its examples are taken.
        source: the tool.
        now: the time of answers that have none.
    """
    tasks = store.read_tasks(settings.pipeline.lake, plan_id)
    asked = {task.example_id for task in tasks}
    annotators = {task.annotator_key for task in tasks}
    gold = {task.example_id for task in tasks if task.is_gold}
    found: dict[str, Annotation] = {}
    strangers: Counter[str] = Counter()
    refused, notes = [], []
    for answer in given:
        problems = [answer] if isinstance(answer, str) else list(_problems(settings, answer, asked))
        if problems or isinstance(answer, str):
            refused += problems
            continue
        comment = answer.comment.strip()
        problem = comment_problem(comment)
        if problem:
            notes.append(f"{answer.where}: {problem}; kept without it")
        key = annotator_key(answer.annotator, settings.pipeline.secrets_dir)
        made = annotation(
            settings,
            replace(answer, comment="" if problem else comment),
            plan_id=plan_id,
            source=source,
            key=key,
            is_gold=answer.example_id in gold,
            now=now,
        )
        found[made.annotation_id] = made
        strangers[key] += key not in annotators
    stored = store.append_annotations(settings.pipeline.lake, found.values())
    notes += [_stranger(key, count) for key, count in strangers.items() if count]
    kept = len(found)
    return TakenIn(stored, kept - stored, tuple(refused), tuple(notes))


def annotation(
    settings: Settings,
    given: Given,
    *,
    plan_id: str,
    source: AnnotationSource,
    key: str,
    is_gold: bool,
    now: datetime,
) -> Annotation:
    """The record of answers that were checked; values become those of the guide."""
    is_adjudicated = source == "adjudication"
    comment = given.comment.strip()
    answers: dict[str, Answer] = {}
    if not given.is_skipped:
        answers, _ = read_answers(given.answers, settings.validate.annotation_categories)
    stated = given.at.isoformat() if given.at else ""
    told = [f"{name}={answers.get(name, '')}" for name in NAMES]
    return Annotation(
        annotation_id=record_id(
            "ann", plan_id, given.example_id, key, str(is_adjudicated), stated, comment, *told
        ),
        plan_id=plan_id,
        example_id=given.example_id,
        annotator_key=key,
        at=given.at or now,
        source=source,
        guide_version=GUIDE_VERSION,
        is_gold=is_gold,
        is_adjudicated=is_adjudicated,
        is_skipped=given.is_skipped,
        comment=comment or None,
        code_version=deskwheel.__version__,
        **{name: answers.get(name) for name in NAMES},  # type: ignore[arg-type]
    )


def _stranger(key: str, answers: int) -> str:
    return (
        f"{answers} answers are of {key}, who has no task in the plan: kept under this name; give"
        " --annotator ALIAS if it is somebody of the plan"
    )


def _problems(settings: Settings, given: Given, asked: set[str]) -> Iterator[str]:
    if given.example_id not in asked:
        yield f"{given.where}: example {given.example_id!r} is not in the plan; check --plan"
        return
    if not given.annotator.strip():
        yield f"{given.where}: nobody is named as annotator; give --annotator"
        return
    if given.is_skipped:
        return
    answers, problems = read_answers(given.answers, settings.validate.annotation_categories)
    unanswered = missing(answers)
    if not problems and unanswered:
        problems = [f"no answer to {', '.join(unanswered)}"]
    if problems:
        yield f"{given.where}: {'; '.join(problems)}"
