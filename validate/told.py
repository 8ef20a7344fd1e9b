"""What a batch of examples did, on the timeline: once, whatever is repeated.

The commit of a batch carries all that is told of it. So a batch whose job died between its commit
and its entries is told by the repetition. Reads and writes the timeline; no table.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deskwheel.state import State

SPIKE = "QUARANTINE_SPIKE"
VALIDATED, SPIKED, WARNED, STOPPED = (
    "validated", "quarantine_spike", "suite_warning", "batch_stopped",
)  # fmt: skip
_LOOKED_BACK = 200
"""Entries of a kind; a batch is repeated right after its death."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a batch did; no text."""

    batch_id: int
    version: int
    """Delta version of `validated_examples` that the batch made."""
    verdicts: Mapping[str, int]
    """New rows and changed rows by verdict."""
    reasons: Mapping[str, int]
    fresh: int = 0
    """Rows that are new to the table."""
    changed: int
    """Rows of earlier batches whose verdict changed."""
    broken: tuple[str, ...]
    """Batch rules that the batch broke."""
    stops: tuple[str, ...] = ()
    """Those of them that kept the whole batch in quarantine."""
    warnings: Mapping[str, int] = field(default_factory=dict)
    """Rows by rule of severity warn that they broke."""
    suite_version: str = ""
    is_repeated: bool = False
    """It was committed by an earlier try, which may not have told it."""

    @property
    def facts(self) -> dict[str, Any]:
        """What an entry of the timeline says."""
        hidden = ("batch_id", "is_repeated")
        return {k: v for k, v in asdict(self).items() if k not in hidden}


def commit_facts(judged: Judged) -> dict[str, Any]:
    """What the commit of a batch carries; its version, Delta knows."""
    facts = {k: v for k, v in judged.facts.items() if k not in ("version", "verdicts")}
    return {"counts": judged.verdicts, **facts}


def judged_of(commit: Mapping[str, Any]) -> Judged | None:
    """What a commit says of its batch; None for one of a release that said less."""
    if "broken" not in commit or "counts" not in commit:
        return None
    return Judged(
        batch_id=commit["batch"],
        version=commit["version"],
        verdicts=commit["counts"],
        reasons=commit["reasons"],
        fresh=commit["fresh"],
        changed=commit["changed"],
        broken=tuple(commit["broken"]),
        stops=tuple(commit["stops"]),
        warnings=commit["warnings"],
        suite_version=commit["suite_version"],
        is_repeated=True,
    )


def tell_batch(state: State, pipeline: str, judged: Judged) -> None:
    """Put a batch on the timeline, and what it broke as a whole as entries of their own.

    Of a repeated one only the entries that are not there yet.
    """
    subject = f"batch {judged.batch_id}"
    entries: list[tuple[str, str | None]] = [(VALIDATED, None)]
    for broken in judged.broken:
        kind = SPIKED if broken == SPIKE else WARNED
        entries.append((STOPPED if broken in judged.stops else kind, broken))
    for kind, rule in entries:
        if judged.is_repeated and _is_told(state, pipeline, kind, subject, rule, judged.version):
            continue
        named = {} if rule is None else {"rule": rule}
        state.record(pipeline, kind, subject, {**named, **judged.facts})


def _is_told(
    state: State, pipeline: str, kind: str, subject: str, rule: str | None, version: int
) -> bool:
    return any(
        (e["subject"], e["detail"].get("rule"), e["detail"].get("version"))
        == (subject, rule, version)
        for e in state.timeline(pipeline, kind=kind, limit=_LOOKED_BACK)
    )
