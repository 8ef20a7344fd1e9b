"""What people say about examples: who is asked what, and their answers. Two tables' records.

Beside the sentence of `deskwheel.records`, and in the kernel because the console counts them, too.
Neither holds a text of a customer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

AnnotationStrategy = Literal["random", "uncertain", "category", "disputed"]
AnnotationPurpose = Literal["train", "measure"]
AnnotationSource = Literal["page", "label-studio", "argilla", "mlflow", "adjudication"]

TARGETS = (1000, 5000, 20_000)
"""Annotated examples that are worked towards, one after the other: enough to judge the taggers, to
train them, and to choose what the model learns from."""


@dataclass(frozen=True, kw_only=True)
class AnnotationTask:
    """One example that one annotator is asked about, at a place in a plan."""

    task_id: str
    """Hash of plan, annotator and example."""
    plan_id: str
    """Hash of all that the plan was drawn from: the same call draws the same plan."""
    example_id: str
    annotator_key: str
    """An alias, or the HMAC of a name; never the name of a person."""
    position: int
    """The annotator's order within the plan, from 0."""
    strategy: AnnotationStrategy
    purpose: AnnotationPurpose
    """train: labels that taggers may learn from; measure: only to say how good they are."""
    is_double: bool
    """Somebody else is asked about the example in the same plan."""
    is_gold: bool
    """The answers are known; the annotator is not told so."""
    seed: int
    created_at: datetime
    code_version: str


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What one annotator answered about one example; questions and values: the annotation guide."""

    annotation_id: str
    """Hash of plan, example, annotator, answers and the time that the source states."""
    plan_id: str
    example_id: str
    annotator_key: str
    at: datetime
    """When it was answered; of several by one annotator in one plan the latest counts."""
    source: AnnotationSource
    guide_version: str
    is_gold: bool
    is_adjudicated: bool
    """It decides where annotators differ; `annotator_key` is who decided."""
    is_skipped: bool
    """The annotator could not answer; every answer is null then."""
    is_good_pair: str | None
    """These five as the guide names their values (yes, no, cannot_tell, …)."""
    resolved: str | None
    sentiment: str | None
    is_empathetic: str | None
    has_needless_apology: str | None
    category: str | None
    accuracy: int | None
    """1 to 5, as the two below."""
    helpfulness: int | None
    tone: int | None
    comment: str | None
    """Without personal data: a comment that holds any is refused."""
    code_version: str
