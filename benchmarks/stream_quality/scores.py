"""Every score of a labelled stream: its labels, its playing, and what the two say together."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.claims import Claim
from benchmarks.stream_quality import arrival, pairs, talks, text
from benchmarks.stream_quality.labels import read_labels
from benchmarks.stream_quality.outcome import Outcome, outcome
from benchmarks.stream_quality.play import played
from deskwheel.errors import SetupError
from ingest.replay import read_recording

SCORES = (
    arrival.loss,
    arrival.poison,
    arrival.noise,
    text.trimming,
    talks.threading,
    talks.resolution,
    pairs.pairs,
    text.personal_data,
    text.leaks,
    talks.categories,
    pairs.near_duplicates,
)
"""Each takes an Outcome and gives claims, in the order of the table."""


def scores(found: Outcome) -> list[Claim]:
    """Every claim about a playing."""
    return [_named(claim) for score in SCORES for claim in score(found)]


def _named(claim: Claim) -> Claim:
    return Claim(**{**vars(claim), "id": f"stream_quality.{claim.id}"})


def measure(folder: Path, home: Path, overrides: Sequence[str] = ()) -> list[Claim]:
    """Play the folder (or take the playing that `home` holds) and score it.

    Raises:
        SetupError: the labels do not fit the recording; nothing was played then.
        ServiceError: a stage failed.
    """
    line_count = sum(1 for _ in read_recording(folder))
    labels = read_labels(folder, line_count)
    done = played(folder, home, overrides)
    if len(done.places) != line_count:
        raise SetupError(
            f"{home} holds a playing of {len(done.places)} lines, {folder} has {line_count}:"
            " give another --home"
        )
    speed = Claim(
        id="stream_quality.seconds", value=done.seconds, unit="s", target="",
        peer=f"{len(done.places)} events to verdicts, three starts of Spark included",
    )  # fmt: skip
    return [*scores(outcome(folder, labels, done)), speed]
