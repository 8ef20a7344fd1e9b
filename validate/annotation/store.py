"""The two tables of annotation, read and appended to without a JVM.

Writes `annotation_tasks` and `annotations`. Rows are only added: an answer that was changed is a
newer row. Two processes that append the same row at once may both do so; readers count an id once.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel import lake
from deskwheel.annotations import Annotation, AnnotationTask
from deskwheel.schema import to_table
from deskwheel.tables import ANNOTATION_TASKS, ANNOTATIONS, Table

COMPACTED_EVERY = 50
"""Commits between two compactions: the page commits each answer, and a reader opens each file."""


def read_tasks(lake_dir: str, plan_id: str | None = None) -> list[AnnotationTask]:
    """Tasks of a plan, or of all, each once, by plan, annotator and position."""
    rows = lake.read(lake_dir, ANNOTATION_TASKS).to_pylist()
    tasks = {row["task_id"]: AnnotationTask(**row) for row in rows}
    kept = [t for t in tasks.values() if plan_id in (None, t.plan_id)]
    return sorted(kept, key=lambda t: (t.created_at, t.plan_id, t.annotator_key, t.position))


def read_annotations(lake_dir: str) -> list[Annotation]:
    """Every annotation that counts: the latest of an annotator about an example in a plan."""
    rows = lake.read(lake_dir, ANNOTATIONS).to_pylist()
    return latest(Annotation(**row) for row in rows)


def latest(annotations: Iterable[Annotation]) -> list[Annotation]:
    """The latest annotation of each annotator, example and plan, by time and then by id.

    Of what adjudicators decided all is kept, as each decision may be about other questions.
    """
    ordered = sorted(annotations, key=lambda a: (a.at, a.annotation_id))
    found = {
        a.annotation_id if a.is_adjudicated else (a.plan_id, a.example_id, a.annotator_key): a
        for a in ordered
    }
    return sorted(found.values(), key=lambda a: (a.at, a.annotation_id))


def append_tasks(lake_dir: str, tasks: Sequence[AnnotationTask]) -> None:
    """Store the tasks of a plan in one commit."""
    lake.append(lake_dir, ANNOTATION_TASKS, to_table(tasks, AnnotationTask))


def append_annotations(lake_dir: str, annotations: Iterable[Annotation]) -> int:
    """Store annotations that are not there yet, in one commit, and return how many those were."""
    stored = lake.read(lake_dir, ANNOTATIONS, columns=["annotation_id"])
    known = set(stored["annotation_id"].to_pylist())
    fresh = {a.annotation_id: a for a in annotations if a.annotation_id not in known}
    if fresh:
        version = lake.append(lake_dir, ANNOTATIONS, to_table(fresh.values(), Annotation))
        if version % COMPACTED_EVERY == 0:
            lake.compact(lake_dir, ANNOTATIONS)
    return len(fresh)


def rows_with(
    lake_dir: str, table: Table, column: str, *, values: Iterable[str], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of a table whose column is one of the values; the others are never all in memory."""
    wanted = pa.array(sorted(set(values)), pa.string())
    found = lake.open_table(lake_dir, table)
    if found is None:
        return []
    matching = pc.field(column).isin(wanted)
    rows = found.to_pyarrow_dataset().to_table(columns=list(columns), filter=matching)
    return list(rows.to_pylist())
