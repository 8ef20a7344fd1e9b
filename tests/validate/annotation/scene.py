"""A small lake with examples to ask about, and answers as people would give them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from deskwheel import lake
from deskwheel.annotations import Annotation
from deskwheel.records import Conversation, Redaction, Utterance, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, VALIDATED
from tests.validate.rows import NOON, example
from validate.annotation.guide import NAMES, Answer
from validate.annotation.intake import Given

CATEGORIES = ("ORDER", "REFUND", "SETUP")
EVIL = "<script>alert('x')</script>"
ANSWERS: dict[str, Answer] = {
    "is_good_pair": "yes", "resolved": "yes", "category": "REFUND", "sentiment": "neutral",
    "is_empathetic": "no", "has_needless_apology": "no", "accuracy": 5, "helpfulness": 4, "tone": 4,
}  # fmt: skip
NOW = datetime(2026, 3, 9, 9, tzinfo=UTC)


def judged(name: str, **changes: Any) -> ValidatedExample:
    """A valid example of the train split, changed as wanted."""
    told = {k: changes.pop(k) for k in ("verdict", "reasons", "split") if k in changes}
    row = asdict(example(name, **{"subject_key": f"subject-{name}", **changes}))
    row["redaction"] = Redaction(**row["redaction"])
    return ValidatedExample(
        **row,
        **{"verdict": "valid", "reasons": (), "split": "train", **told},
        suite_version="suite-1",
        validated_at=NOON,
    )


def conversation(of: ValidatedExample, *, version: int = 1) -> Conversation:
    """The conversation of an example: its pair between a greeting and what came after."""
    texts = [("agent", "Welcome to Acme."), ("customer", of.query), ("agent", of.response)]
    texts.append(("customer", f"That did it {version}. {EVIL}"))
    turn_ids = ["turn-0", *of.turn_ids, "turn-9"]
    return Conversation(
        conversation_id=of.conversation_id, version=version, tenant=of.tenant, channel="chat",
        subject_key=of.subject_key, agent_key=of.agent_key, opened_at=NOON, closed_at=NOON,
        close_reason="stated",
        utterances=[
            Utterance(turn_id=i, role=role, text=text, sent_at=NOON, authorship="human")  # type: ignore[arg-type]
            for i, (role, text) in zip(turn_ids, texts, strict=True)
        ],
        status="solved", csat=None, resolution_probability=0.9, resolution="resolved",
        evidence=(), category=of.category, sentiment="neutral", redaction=of.redaction,
        ruleset_version="pairs-1", code_version="0.1.0", batch_id=0,
    )  # fmt: skip


def fill(settings: Settings, examples: Sequence[ValidatedExample]) -> None:
    """Store examples with their conversations."""
    lake.append(settings.pipeline.lake, VALIDATED, to_table(examples, ValidatedExample))
    said = [conversation(one, version=v) for one in examples for v in (1, 2)]
    lake.append(settings.pipeline.lake, CONVERSATIONS, to_table(said, Conversation))


def many(count: int, **changes: Any) -> list[ValidatedExample]:
    """Examples of three categories by turns, with resolution probabilities from 0 to 1."""
    return [
        judged(
            f"{i:03}",
            category=CATEGORIES[i % 3],
            resolution_probability=i / max(1, count - 1),
            **changes,
        )
        for i in range(count)
    ]


def given(example_id: str, annotator: str = "rater-1", **changes: Any) -> Given:
    """Answers of somebody, changed as wanted; `comment`, `at`, `is_skipped` as in `Given`."""
    kept = {k: changes.pop(k) for k in ("comment", "at", "is_skipped") if k in changes}
    return Given("test:1", example_id, annotator, {**ANSWERS, **changes}, **kept)


def answered(
    example_id: str, annotator: str = "rater-1", *, minute: int = 0, **changes: Any
) -> Annotation:
    """A stored annotation, changed as wanted."""
    flags = {
        "is_gold": False, "is_adjudicated": False, "is_skipped": False,
        "plan_id": "plan-1", "comment": None, "guide_version": "1.0",
    }  # fmt: skip
    flags = {k: changes.pop(k, default) for k, default in flags.items()}
    answers: dict[str, Any] = {name: ANSWERS[name] for name in NAMES} | changes
    return Annotation(
        annotation_id=f"ann-{example_id}-{annotator}-{minute}-{flags['is_adjudicated']}",
        example_id=example_id, annotator_key=annotator, at=NOW + timedelta(minutes=minute),
        source="page", code_version="0.1.0", **flags, **answers,
    )  # fmt: skip
