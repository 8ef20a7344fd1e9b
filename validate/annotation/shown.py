"""What an annotator sees of an example: the conversation with the pair in it, and no verdict.

Reads `validated_examples` and `conversations`; writes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deskwheel.tables import CONVERSATIONS, VALIDATED
from validate.annotation.guide import holds_personal_data
from validate.annotation.store import rows_with

_PAIR = ("example_id", "conversation_id", "query", "response", "context", "turn_ids")
_CONVERSATION = ("conversation_id", "version", "utterances")


@dataclass(frozen=True)
class Line:
    """One utterance as it is shown."""

    role: str
    text: str
    is_pair: bool
    """It belongs to the query or the response."""


@dataclass(frozen=True)
class Shown:
    """One example as it is shown: neither tags nor verdict, rating, status or split."""

    example_id: str
    query: str
    response: str
    lines: tuple[Line, ...]
    """The whole conversation; without its row, what came before the pair."""

    @property
    def conversation(self) -> str:
        """The conversation as text, one utterance a line with its role."""
        return "\n".join(f"{line.role}: {line.text}" for line in self.lines)

    def holds_personal_data(self) -> bool:
        """Whether redaction left something that nobody should be shown."""
        return any(map(holds_personal_data, (self.query, self.response, self.conversation)))


def shown_examples(lake_dir: str, example_ids: Iterable[str]) -> dict[str, Shown]:
    """Examples as they are shown, by id; ids that no table knows are left out."""
    pairs = rows_with(lake_dir, VALIDATED, "example_id", values=example_ids, columns=_PAIR)
    ids = {pair["conversation_id"] for pair in pairs}
    versions = rows_with(
        lake_dir, CONVERSATIONS, "conversation_id", values=ids, columns=_CONVERSATION
    )
    said = {
        row["conversation_id"]: row["utterances"]
        for row in sorted(versions, key=lambda row: row["version"])
    }
    return {
        pair["example_id"]: Shown(
            example_id=pair["example_id"],
            query=pair["query"],
            response=pair["response"],
            lines=_lines(said.get(pair["conversation_id"]), set(pair["turn_ids"]))
            or _earlier(pair["context"]),
        )
        for pair in pairs
    }


def _lines(utterances: Sequence[dict[str, str]] | None, turn_ids: set[str]) -> tuple[Line, ...]:
    return tuple(
        Line(said["role"], said["text"], said["turn_id"] in turn_ids) for said in utterances or ()
    )


def _earlier(context: str) -> tuple[Line, ...]:
    """Lines of a context, which holds one utterance a line with its role."""
    parts = (line.partition(": ") for line in context.splitlines() if line.strip())
    return tuple(Line(role, text, is_pair=False) for role, _, text in parts)
