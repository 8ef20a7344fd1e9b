"""Draws a plan from the lake and stores its tasks.

Reads `validated_examples`, `conversations` and both tables of annotation; writes
`annotation_tasks`. Repeating a call with the same arguments over the same version of the examples
returns the stored plan.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import deskwheel
from deskwheel import lake
from deskwheel.annotations import Annotation, AnnotationPurpose, AnnotationStrategy, AnnotationTask
from deskwheel.errors import SetupError
from deskwheel.ids import record_id
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED
from validate.annotation import held_out, store
from validate.annotation.consensus import Decided, decide
from validate.annotation.plan import JUDGED, SPLITS, Candidate, assign, rank
from validate.annotation.shown import shown_examples

DECIDED_FROM = 0.65
"""From this resolution probability on the gate believes that an answer helped: what the shipped
rule RESOLUTION_UNSURE asks for; a test compares them."""

_CHUNK = 500
"""Examples whose texts are looked at together for personal data."""


@dataclass(frozen=True)
class Order:
    """What a plan is asked for with."""

    strategy: AnnotationStrategy
    purpose: AnnotationPurpose
    size: int
    """Examples, hidden gold not counted."""
    annotators: tuple[str, ...]
    seed: int
    near: float = DECIDED_FROM
    """Resolution probability that `uncertain` looks around."""


@dataclass(frozen=True)
class Plan:
    """A stored plan, and what was left out of it."""

    plan_id: str
    tasks: tuple[AnnotationTask, ...]
    is_new: bool
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why an example in turn was not taken → how many."""

    def counts(self) -> dict[str, int]:
        """Examples, those asked twice, tasks and hidden gold."""
        asked = [t for t in self.tasks if not t.is_gold]
        return {
            "examples": len({t.example_id for t in asked}),
            "doubled": len({t.example_id for t in asked if t.is_double}),
            "tasks": len(self.tasks),
            "gold": sum(t.is_gold for t in self.tasks),
        }


def draw_plan(settings: Settings, order: Order, *, now: datetime) -> Plan:
    """Draw a plan and store it; the one that is stored already is returned as it is.

    Examples of another plan and annotated ones are not drawn again, but for `disputed`, which
    asks one more annotator about each example that the others differ on.

    Raises:
        SetupError: there is no example that may be drawn.
    """
    lake_dir = settings.pipeline.lake
    version = lake.current_version(lake_dir, VALIDATED)
    plan_id = _plan_id(settings, order, version)
    stored = store.read_tasks(lake_dir, plan_id)
    if stored:
        return Plan(plan_id, tuple(stored), is_new=False)
    annotations = store.read_annotations(lake_dir)
    decided = decide(annotations)
    rows = _rows(lake_dir, order)
    chosen, left_out = _choose(settings, order, rows=rows, decided=decided)
    if not chosen:
        raise SetupError(
            f"no example left to ask about: {VALIDATED.name} in {lake_dir} has {len(rows)} of split"
            f" {SPLITS[order.purpose]}, left out {left_out}; wait for more, or choose another"
            " --purpose or --strategy"
        )
    asked = assign(
        chosen,
        order.annotators,
        seed=order.seed,
        double_share=0.0
        if order.strategy == "disputed"
        else settings.validate.annotation_double_share,
        gold=[i for i, d in decided.items() if d.is_settled and i in rows and i not in chosen],
        gold_share=settings.validate.annotation_gold_share,
        answered=_answered(annotations),
    )
    tasks = tuple(
        AnnotationTask(
            task_id=record_id("task", plan_id, a.annotator_key, a.example_id),
            plan_id=plan_id,
            example_id=a.example_id,
            annotator_key=a.annotator_key,
            position=a.position,
            strategy=order.strategy,
            purpose=order.purpose,
            is_double=a.is_double,
            is_gold=a.is_gold,
            seed=order.seed,
            created_at=now,
            code_version=deskwheel.__version__,
        )
        for a in asked
    )
    store.append_tasks(lake_dir, tasks)
    return Plan(plan_id, tasks, is_new=True, left_out=left_out)


def _plan_id(settings: Settings, order: Order, version: int | None) -> str:
    return record_id(
        "plan", settings.pipeline.name, order.strategy, order.purpose, str(order.size),
        str(order.seed), str(order.near), str(version), *order.annotators,
    )  # fmt: skip


def _rows(lake_dir: str, order: Order) -> dict[str, Candidate]:
    """Examples that the purpose may draw from, by id; nothing golden, nor of a golden customer."""
    columns = (*held_out.COLUMNS, "category", "resolution_probability", "verdict", "kind")
    rows = store.rows_with(
        lake_dir, VALIDATED, "split", values=[SPLITS[order.purpose]], columns=columns
    )
    golden = held_out.read_golden(lake_dir)
    return {
        row["example_id"]: Candidate(
            row["example_id"], row["category"], row["resolution_probability"]
        )
        for row in rows
        if row["verdict"] in JUDGED and row["kind"] == "ideal" and not golden.holds(row)
    }


def _choose(
    settings: Settings,
    order: Order,
    *,
    rows: Mapping[str, Candidate],
    decided: Mapping[str, Decided],
) -> tuple[list[str], dict[str, int]]:
    """Ids to ask about, and why others whose turn it was are left out."""
    lake_dir = settings.pipeline.lake
    if order.strategy == "disputed":
        pool: Collection[str] = {i for i, d in decided.items() if d.disputed}
    else:
        known = {t.example_id for t in store.read_tasks(lake_dir)} | decided.keys()
        pool = rows.keys() - known
    ranked = rank(
        [rows[i] for i in pool if i in rows],
        order.strategy,
        seed=order.seed,
        threshold=order.near,
    )
    chosen: list[str] = []
    left_out: Counter[str] = Counter()
    for start in range(0, len(ranked), _CHUNK):
        if len(chosen) >= order.size:
            break
        part = ranked[start : start + _CHUNK]
        shown = shown_examples(lake_dir, part)
        for example in part:
            if len(chosen) >= order.size:
                break
            if shown[example].holds_personal_data():
                left_out["personal data"] += 1
            else:
                chosen.append(example)
    left_out["asked about already"] = len(rows) - len(ranked)
    return chosen, {why: count for why, count in left_out.items() if count}


def _answered(annotations: Sequence[Annotation]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for a in annotations:
        found.setdefault(a.example_id, set()).add(a.annotator_key)
    return {example: frozenset(keys) for example, keys in found.items()}
