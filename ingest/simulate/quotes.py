"""How people answer mails: above, below or between what they quote, in their program's language."""

import random
from dataclasses import dataclass
from datetime import datetime

from ingest.simulate.chance import happens
from ingest.simulate.locales import LOCALE_WEIGHTS, LOCALES, Locale

LAYOUTS = {"top": 62, "bottom": 13, "inline": 8, "none": 17}
"""Where the own words stand, and how often. Own choice; top-posting is what programs offer."""

BLOCK_SHARE = 0.35
"""Of programs that repeat the header of the quoted mail and leave its lines unmarked."""

UNMARKED_SHARE = 0.15
"""Of programs with a line above the quote whose quoted lines bear no mark."""

WRAP_CHARS = 72
"""Longest line above a quote of a program that wraps."""


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """The mail that is answered."""

    sender: str
    to: str
    subject: str
    moment: datetime
    text: str
    """Everything in it, its own quotes too: so threads grow deep."""


@dataclass(frozen=True, kw_only=True)
class Habit:
    """One person's mail program and how they use it."""

    locale: Locale
    layout: str
    is_block: bool
    is_marked: bool
    is_wrapped: bool


def draw_habit(rng: random.Random) -> Habit:
    """Return a new habit; who has it keeps it through a thread."""
    return Habit(
        locale=draw_locale(rng),
        layout=rng.choices(tuple(LAYOUTS), weights=tuple(LAYOUTS.values()))[0],
        is_block=happens(rng, BLOCK_SHARE),
        is_marked=not happens(rng, UNMARKED_SHARE),
        is_wrapped=happens(rng, 0.3),
    )


def draw_locale(rng: random.Random) -> Locale:
    """Return one of the languages, English most often."""
    return rng.choices(LOCALES, weights=LOCALE_WEIGHTS)[0]


def answered(own: str, before: Quoted | None, habit: Habit, rng: random.Random) -> str:
    """Return the text of a mail: the own words and what the habit quotes of the one before."""
    if before is None or habit.layout == "none":
        return own
    head, lines = _head(before, habit, rng), _quote(before, habit)
    if habit.layout == "top":
        return "\n".join((own, "", head, *lines))
    if habit.layout == "inline" and len(lines) > 1:
        cut = rng.randint(1, len(lines) - 1)
        return "\n".join((head, *lines[:cut], "", own, "", *lines[cut:]))
    return "\n".join((head, *lines, "", own))


def _head(before: Quoted, habit: Habit, rng: random.Random) -> str:
    locale = habit.locale
    day, time = _day(before.moment, locale), f"{before.moment:%H:%M}"
    if habit.is_block:
        values = (before.sender, f"{day} {time}", before.to, before.subject)
        fields = (f"{name} {value}" for name, value in zip(locale.block, values, strict=True))
        rule = locale.original if happens(rng, 0.5) else "_" * 32
        return "\n".join((rule, *fields, ""))
    line = rng.choice(locale.attributions).format(day=day, time=time, sender=before.sender)
    if habit.is_wrapped and len(line) > WRAP_CHARS:
        space = line.rfind(" ", 0, WRAP_CHARS)
        return f"{line[:space]}\n{line[space + 1 :]}"
    return line


def _day(moment: datetime, locale: Locale) -> str:
    if locale.code == "en":
        return f"{moment:%a, %b %d, %Y}"
    return f"{moment:%d.%m.%Y}" if locale.code == "de" else f"{moment:%d/%m/%Y}"


def _quote(before: Quoted, habit: Habit) -> list[str]:
    # A program that repeats the header marks nothing, and nothing is put between unmarked lines.
    is_marked = (habit.is_marked and not habit.is_block) or habit.layout == "inline"
    lines = before.text.split("\n")
    return [f"> {line}".rstrip() for line in lines] if is_marked else lines
