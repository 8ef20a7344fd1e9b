"""Who is answered by which variant: a pure function of the split row and the customer.

Reads and writes nothing; `deploy.roster` stores the row.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from deskwheel.errors import StateError
from deskwheel.ids import unit_interval


@dataclass(frozen=True, kw_only=True)
class SplitRow:
    """How customers are divided at one moment: the state document `split`, typed."""

    salt: str
    """Changes who is in which arm; fixed during a test."""
    champion: str
    challenger: str | None
    share: float
    """Share of customers in [0, 1] whom the challenger answers; 0 without a challenger."""
    revision: int
    """Of the stored document, for compare-and-set."""

    def names(self) -> tuple[str, ...]:
        """The variants that answer under this split, champion first."""
        return (self.champion,) if self.challenger is None else (self.champion, self.challenger)

    def body(self) -> dict[str, Any]:
        """The document as it is stored, without its revision."""
        document = asdict(self)
        del document["revision"]
        return document

    def with_challenger(self, name: str, share: float, *, salt: str) -> "SplitRow":
        """The split with a challenger under test, its arms drawn by a new salt."""
        return replace(self, challenger=name, share=share, salt=salt)

    def without_challenger(self) -> "SplitRow":
        """The same split with every customer answered by the champion."""
        return replace(self, challenger=None, share=0.0)


def from_document(body: Mapping[str, Any], revision: int) -> SplitRow:
    """The typed row of a stored document.

    Raises:
        StateError: a field is missing, or the share is not a number in [0, 1].
    """
    try:
        row = SplitRow(
            salt=_text(body["salt"]),
            champion=_text(body["champion"]),
            challenger=None if body["challenger"] is None else _text(body["challenger"]),
            share=float(body["share"]),
            revision=revision,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"split revision {revision} cannot be read ({error!r}); write champion, challenger,"
            " salt and share, or roll back"
        ) from error
    if not 0.0 <= row.share <= 1.0:
        raise StateError(f"split revision {revision}: share must be in [0, 1], got {row.share}")
    return row


def place(salt: str, tenant: str, subject: str) -> float:
    """A subject's fixed place in [0, 1), by SHA-256 of (salt, tenant, subject)."""
    return unit_interval(salt, tenant, subject)


def assign(split: SplitRow, *, tenant: str, subject: str | None) -> str:
    """The variant that answers a subject: the same one as long as salt and arms stay.

    Whoever is with the challenger at one share stays with it at every larger one. A request
    without a subject cannot be kept in an arm, so the champion answers it.
    """
    if split.challenger is None or subject is None:
        return split.champion
    is_challenger = place(split.salt, tenant, subject) < split.share
    return split.challenger if is_challenger else split.champion


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is not a name")
    return value
