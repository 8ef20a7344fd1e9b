"""What the stage does as it is set when nothing is set, on the base that is shipped."""

from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.settings import TrainSettings
from tests.train.preference.rows import GOOD, preferences
from tests.train.rows import chat_rows, quick
from train.finetune.loop import Outcome, train_adapter
from train.finetune.prepare import pack_chats
from train.model import load_tokenizer
from train.preference.stage import Learnt, learn_preferences

FEWEST = TrainSettings().min_preferences
"""As few preferences as are learnt."""
FOUND = preferences(pair_count=FEWEST, judged_count=FEWEST)
FOUND = replace(
    FOUND,
    pairs={**FOUND.pairs, "dev": [*FOUND.pairs["dev"]] * 2},
    judged={**FOUND.judged, "dev": [*FOUND.judged["dev"]] * 2},
)
CLEAR_MARGIN = 0.5
"""Nats a token; at a twentieth of the default learning rate it grew by less than 0.1."""


def fine_tune(settings: TrainSettings, folder: Path) -> Outcome:
    """An adapter that has met the answer that people want once in six."""
    rows = [replace(r, response=GOOD) if n % 6 == 5 else r for n, r in enumerate(chat_rows(12))]
    return train_adapter(rows, settings, directory=folder / "run", report=lambda *_: None, dev=None)


def learn(method: str, folder: Path) -> Learnt:
    settings = replace(quick(), precision="fp32", engine="fast", preference=method)
    rows = [replace(row, response=GOOD) for row in chat_rows(4)]
    dev = pack_chats(rows, load_tokenizer(settings), settings)
    return learn_preferences(
        fine_tune(settings, folder), FOUND, settings, dev=dev, directory=folder / "run",
        report=lambda *_: None,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_the_least_number_of_preferences_is_enough_to_be_learnt(
    method: str, tmp_path: Path
) -> None:
    learnt = learn(method, tmp_path)
    assert learnt.is_taken, learnt.reason
    assert learnt.before is not None
    assert learnt.after is not None
    assert learnt.after.margin - learnt.before.margin > CLEAR_MARGIN
    assert learnt.after.accuracy == 1.0
    assert learnt.history[-1]["preference_margin"] > 0
