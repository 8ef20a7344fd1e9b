"""The Delta tables: name, record, the one stage that writes them, and what may be pruned on."""

from dataclasses import dataclass

from deskwheel.annotations import Annotation, AnnotationTask
from deskwheel.golden import GoldenSet
from deskwheel.records import Conversation, Example, Feedback, Snapshot, Turn, ValidatedExample
from deskwheel.repairs import Repair


@dataclass(frozen=True)
class Table:
    """One Delta table; its columns are the fields of its record."""

    name: str
    record: type
    writer: str
    skipping_columns: tuple[str, ...]
    """Columns with file statistics. Ids and times only: statistics outlive a delete, and those
    of a text column would keep a piece of it (first 32 characters) in the log."""

    def properties(self) -> dict[str, str]:
        """Table features fixed at creation, so that JVM-free readers can always read the table.

        Source: Delta protocol, "Reader Version Requirements"; delta-rs returns nulls for
        column-mapped tables and cannot filter deletion vectors in every reader.
        """
        return {
            "delta.dataSkippingStatsColumns": ",".join(self.skipping_columns),
            "delta.enableDeletionVectors": "false",
            "delta.columnMapping.mode": "none",
            "delta.checkpointPolicy": "classic",
            "delta.checkpointInterval": "50",
            # Trigger and snapshots read old versions; after the default of 30 days their log
            # would be cleaned away.
            "delta.logRetentionDuration": "interval 3650 days",
        }


TURNS = Table("turns", Turn, "transforms", ("turn_id", "event_id", "ingested_at", "batch_id"))
CONVERSATIONS = Table(
    "conversations", Conversation, "transforms", ("conversation_id", "version", "closed_at")
)
EXAMPLES = Table("examples", Example, "transforms", ("example_id", "conversation_id", "sent_at"))
VALIDATED = Table(
    "validated_examples",
    ValidatedExample,
    "validate",
    ("example_id", "conversation_id", "validated_at", "content_hash"),
)
SNAPSHOTS = Table("snapshots", Snapshot, "validate", ("snapshot_id", "created_at"))
GOLDEN = Table("golden", GoldenSet, "validate", ("golden_id", "created_at"))
ANNOTATION_TASKS = Table(
    "annotation_tasks", AnnotationTask, "validate", ("task_id", "example_id", "created_at")
)
ANNOTATIONS = Table("annotations", Annotation, "validate", ("annotation_id", "example_id", "at"))
REPAIRS = Table("repairs", Repair, "validate", ("repair_id", "example_id", "at"))
FEEDBACK = Table("feedback", Feedback, "transforms", ("feedback_id", "trace_id", "ingested_at"))

TABLES: tuple[Table, ...] = (
    TURNS,
    CONVERSATIONS,
    EXAMPLES,
    VALIDATED,
    ANNOTATION_TASKS,
    ANNOTATIONS,
    REPAIRS,
    GOLDEN,
    SNAPSHOTS,
    FEEDBACK,
)
