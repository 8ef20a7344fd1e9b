from dataclasses import replace

from tests.transforms.pairs.test_mine import ANSWERED, ASKED, WHOLE
from tests.transforms.resolution.test_estimate import said
from transforms.pairs.mine import mine_pairs

CONFIDENCES = (0.9, 0.4, 0.8, 0.1)


def test_a_pair_is_as_sure_as_its_least_sure_turn_and_bears_the_worst_note() -> None:
    lines = (ASKED, ANSWERED, ("customer", "That worked."), ("customer", "Thank you!"))
    turns = [
        replace(turn, asr_confidence=confidence)
        for turn, confidence in zip(said(*lines), CONFIDENCES, strict=True)
    ]
    turns[0] = replace(turns[0], speaker_note="swapped")
    (pair,) = mine_pairs(replace(WHOLE, channel="call", utterances=turns))
    assert (pair.asr_confidence, pair.speaker_note) == (0.4, "swapped")
    turns[1] = replace(turns[1], speaker_note="one_speaker", asr_confidence=None)
    (pair,) = mine_pairs(replace(WHOLE, channel="call", utterances=turns))
    assert (pair.asr_confidence, pair.speaker_note) == (0.9, "one_speaker")


def test_a_pair_of_a_chat_knows_of_no_recogniser() -> None:
    (pair,) = mine_pairs(replace(WHOLE, utterances=said(ASKED, ANSWERED)))
    assert (pair.asr_confidence, pair.speaker_note) == (None, None)
