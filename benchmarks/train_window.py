"""A window that the benchmarks of training fire: its examples, and its freezing without a JVM.

Appends to the table `validated_examples`; claimed windows are frozen by validate's own function,
asked once a second as its job asks it.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.records import Redaction, Split, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import END_PHASES, State
from deskwheel.tables import VALIDATED
from validate.snapshots.freeze import watch_windows

_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_LETTERS_A_WORD = 5
_JOIN_S = 20.0


def own_words(number: int, count: int) -> str:
    """Up to twelve words that no other number has, or else the splits would contaminate each other.

    >>> own_words(7, 2), own_words(8, 2)
    ('fakpc dpgbd', 'jcbka kkgbh')
    """
    key, step = digest(str(number)), _LETTERS_A_WORD
    return " ".join(key[i : i + step].translate(_LETTERS) for i in range(0, count * step, step))


def valid_example(
    number: int, now: datetime, *, query: str, response: str, category: str
) -> ValidatedExample:
    """A valid example of a customer of its own; every eighth is held out for the test."""
    key = digest(str(number))
    split: Split = "test" if number % 8 == 0 else "train"
    return ValidatedExample(
        example_id=f"ex-{key[:20]}", tenant="acme", conversation_id=f"conv-{number}",
        conversation_version=1, position=0, channel="chat", kind="ideal", negative_kind=None,
        query=query, response=response, context="", category=category, sentiment="neutral",
        has_needless_apology=False, is_empathetic=False, resolution_probability=0.9, csat=None,
        subject_key=key[:32], agent_key=None, authorship="human", turn_ids=[],
        redaction=Redaction(version="r1", counts={}), sent_at=now, content_hash=key,
        ruleset_version="pairs", code_version="0", verdict="valid", reasons=[],
        suite_version="suite", split=split, validated_at=now,
    )  # fmt: skip


def append(settings: Settings, examples: Sequence[ValidatedExample]) -> None:
    """Add the examples to the table, in one version."""
    lake.append(settings.pipeline.lake, VALIDATED, to_table(examples, ValidatedExample))


@contextmanager
def freezing(settings: Settings) -> Iterator[State]:
    """The pipeline's state, while claimed windows are frozen by a thread."""
    state, stop = State(settings.pipeline.state_url), threading.Event()
    freezer = threading.Thread(
        target=watch_windows,
        args=(settings, state, stop),
        kwargs={"now": lambda: datetime.now(UTC)},
        daemon=True,
    )
    freezer.start()
    try:
        yield state
    finally:
        stop.set()
        freezer.join(_JOIN_S)
        state.close()


def raise_if_lost(state: State, pipeline: str) -> None:
    """Do nothing while a window may still become an adapter.

    Raises:
        RuntimeError: one has ended without.
    """
    for window in state.windows(pipeline):
        if window["phase"] in END_PHASES and window["phase"] != "trained":
            raise RuntimeError(f"the window ended {window['phase']}: {window['reason']}")
