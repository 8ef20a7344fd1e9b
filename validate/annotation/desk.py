"""What the annotation page knows and does: somebody's next task, their answers, how far they are.

Reads both tables of annotation, `validated_examples` and `conversations`; writes `annotations`.
Safe to call from several threads. Up to `MAX_TEXTS` examples stay in memory while the page runs.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from deskwheel import lake
from deskwheel.annotations import Annotation, AnnotationTask
from deskwheel.settings import Settings
from deskwheel.tables import ANNOTATION_TASKS, ANNOTATIONS
from validate.annotation import store
from validate.annotation.consensus import answers_of
from validate.annotation.guide import Answer, comment_problem, missing, read_answers
from validate.annotation.intake import Given, annotation
from validate.annotation.shown import Shown, shown_examples

MAX_TEXTS = 500
_AHEAD = 50


@dataclass(frozen=True)
class Progress:
    """How far an annotator is with the tasks they were given."""

    done: int
    total: int


class Desk:
    """The tasks and answers of all annotators; tables are read again when they have changed."""

    def __init__(self, settings: Settings) -> None:
        """Look at a pipeline's tables; nothing is read before the first call."""
        self.settings = settings
        self._lake = settings.pipeline.lake
        self._lock = threading.RLock()
        self._versions: tuple[int | None, int | None] = (-1, -1)
        self._tasks: dict[str, list[AnnotationTask]] = {}
        self._answers: dict[tuple[str, str, str], Annotation] = {}
        self._texts: dict[str, Shown] = {}

    def next_task(self, key: str) -> AnnotationTask | None:
        """The first task of an annotator that has no answer, oldest plan first."""
        with self._lock:
            return next((t for t in self._own(key) if self._answer(t) is None), None)

    def task(self, key: str, task_id: str) -> AnnotationTask | None:
        """One task of the annotator; None also for somebody else's."""
        with self._lock:
            return next((t for t in self._own(key) if t.task_id == task_id), None)

    def previous(self, key: str) -> AnnotationTask | None:
        """The task that the annotator answered last."""
        with self._lock:
            done = [(a.at, t.position, t) for t in self._own(key) if (a := self._answer(t))]
            return max(done, key=lambda d: d[:2])[2] if done else None

    def progress(self, key: str) -> Progress:
        """How many of the annotator's tasks have an answer."""
        with self._lock:
            own = self._own(key)
            return Progress(sum(self._answer(t) is not None for t in own), len(own))

    def given(self, task: AnnotationTask) -> tuple[dict[str, Answer], str]:
        """What the annotator answered before, and the comment."""
        with self._lock:
            found = self._answer(task)
            return (answers_of(found), found.comment or "") if found else ({}, "")

    def shown(self, task: AnnotationTask) -> Shown | None:
        """The task's example; None when its table has forgotten it.

        Reads the texts of the next tasks with it: a table is scanned once for fifty.
        """
        with self._lock:
            if task.example_id not in self._texts:
                own = self._own(task.annotator_key)
                later = own[own.index(task) :][:_AHEAD]
                if len(self._texts) > MAX_TEXTS:
                    self._texts.clear()
                self._texts |= shown_examples(self._lake, [t.example_id for t in later])
            return self._texts.get(task.example_id)

    def answer(
        self, task: AnnotationTask, form: Mapping[str, str], *, is_skipped: bool, now: datetime
    ) -> list[str]:
        """Store an answer, and return what keeps it from being stored.

        The same answer again, as by a second click, stores nothing.
        """
        comment = form.get("comment", "").strip()
        answers, problems = read_answers(form, self.settings.validate.annotation_categories)
        if not is_skipped and not problems:
            problems = [f"{name}: no answer yet" for name in missing(answers)]
        if problem := comment_problem(comment):
            problems.append(problem)
        if problems and not (is_skipped and not comment_problem(comment)):
            return problems
        with self._lock:
            self._own(task.annotator_key)
            before = self._answer(task)
            told = {} if is_skipped else answers
            if before and (answers_of(before), before.comment or "") == (told, comment):
                return []
            given = Given(
                where="page", example_id=task.example_id, annotator=task.annotator_key,
                answers=told, comment=comment, at=now, is_skipped=is_skipped,
            )  # fmt: skip
            row = annotation(
                self.settings, given, plan_id=task.plan_id, source="page",
                key=task.annotator_key, is_gold=task.is_gold, now=now,
            )  # fmt: skip
            store.append_annotations(self._lake, [row])
        return []

    def _own(self, key: str) -> list[AnnotationTask]:
        versions = (
            lake.current_version(self._lake, ANNOTATION_TASKS),
            lake.current_version(self._lake, ANNOTATIONS),
        )
        if versions != self._versions:
            self._tasks = {}
            for task in store.read_tasks(self._lake):
                self._tasks.setdefault(task.annotator_key, []).append(task)
            self._answers = {
                (a.plan_id, a.example_id, a.annotator_key): a
                for a in store.read_annotations(self._lake)
                if not a.is_adjudicated
            }
            self._versions = versions
        return self._tasks.get(key, [])

    def _answer(self, task: AnnotationTask) -> Annotation | None:
        return self._answers.get((task.plan_id, task.example_id, task.annotator_key))
