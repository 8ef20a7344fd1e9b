"""What is learnt of the preferences there are, and whether the result is taken. Pure."""

import math
from collections.abc import Mapping, Sequence

from deskwheel.settings import TrainSettings
from train.preference.answers import Judged, Preferences
from train.preference.rewards import Standing

DEV_SHARE = 20
"""Dev must have this part of what train must have: a verdict on fewer would be a coin's."""
_RARE_SHARE = 10
"""Wanted and unwanted answers must each be this part of the least: weighted, KTO holds up to nine
to one. Source: Ethayarajh et al. 2024, KTO (up to 90 % fewer desirable examples)."""


def choose_method(found: Preferences, settings: TrainSettings) -> tuple[str, str]:
    """dpo, kto or none, and why none: too few of what it would learn from, or nothing asked for."""
    if settings.preference == "none":
        return "none", "train.preference is none"
    lacking = {"dpo": _lacks_pairs(found, settings), "kto": _lacks_judged(found, settings)}
    asked = ("dpo", "kto") if settings.preference == "auto" else (settings.preference,)
    method = next((name for name in asked if not lacking[name]), "none")
    return method, "; ".join(f"{name}: {lacking[name]}" for name in asked if lacking[name])


def decide(before: Standing, after: Standing, *, loss_margin: float) -> tuple[bool, str]:
    """Whether preferences are taken, and the reason."""
    ranks = f"accuracy on dev {before.accuracy:.3f} → {after.accuracy:.3f}"
    if after.accuracy <= before.accuracy:
        return False, f"{ranks}: no better, so the fine-tuned adapter stays"
    if before.dev_loss is None or after.dev_loss is None:
        return False, f"{ranks}, but dev has no ideal example to show what it costs"
    losses = f"loss on dev {before.dev_loss:.4f} → {after.dev_loss:.4f}"
    if not after.dev_loss <= before.dev_loss + loss_margin:
        return False, (
            f"{ranks}, but {losses}, more than train.preference_loss_margin={loss_margin}"
        )
    return True, f"{ranks}, {losses}"


def _lacks_pairs(found: Preferences, settings: TrainSettings) -> str:
    least = settings.min_preferences
    return _lacks(
        {"edited drafts in train": (len(found.pairs["train"]), least),
         "edited drafts in dev": (len(found.pairs["dev"]), math.ceil(least / DEV_SHARE))}
    )  # fmt: skip


def _lacks_judged(found: Preferences, settings: TrainSettings) -> str:
    least = settings.min_thumbs
    rare = math.ceil(least / _RARE_SHARE)
    train, dev = found.judged["train"], found.judged["dev"]
    return _lacks(
        {"thumbs and negatives in train": (len(train), least),
         "thumbs and negatives in dev": (len(dev), math.ceil(least / DEV_SHARE)),
         "good answers in train": (_count(train, is_wanted=True), rare),
         "bad answers in train": (_count(train, is_wanted=False), rare),
         "good answers in dev": (_count(dev, is_wanted=True), 1),
         "bad answers in dev": (_count(dev, is_wanted=False), 1)}
    )  # fmt: skip


def _lacks(counts: Mapping[str, tuple[int, int]]) -> str:
    for what, (there, least) in counts.items():
        if there < least:
            return f"{there} of {least} {what}"
    return ""


def _count(judged: Sequence[Judged], *, is_wanted: bool) -> int:
    return sum(one.is_wanted == is_wanted for one in judged)
