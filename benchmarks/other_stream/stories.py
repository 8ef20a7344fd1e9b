"""Conversations as turns with labels, before any channel dresses them.

Dialogs and answers come from public sets (Bitext's customer support pairs, Taskmaster-4's coffee
orders), everything around them from a list of phrases (`first.json` to `fourth.json`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.other_stream.details import alike, person, personal
from benchmarks.other_stream.sources import MAIL, PHONE, Row, Sources, filled
from ingest.simulate.people import Customer

MIX: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("chat", "bitext"): {
        "solved": 31, "solved_silent": 6, "solved_retry": 3, "multi_issue": 4, "rude": 3,
        "abandoned_early": 4, "abandoned_hold": 3, "escalated": 6, "false_thanks": 4,
        "generic_only": 3, "status_wrong": 3, "still_broken": 2, "transfer": 2, "recontact": 2,
    },
    ("email", "bitext"): {
        "solved": 42, "solved_silent": 10, "solved_retry": 5, "rude": 3, "abandoned_early": 4,
        "abandoned_hold": 2, "escalated": 5, "false_thanks": 3, "generic_only": 5,
        "status_wrong": 4, "still_broken": 4, "transfer": 4, "recontact": 2,
    },
    ("call", "bitext"): {
        "solved": 10, "solved_silent": 4, "solved_retry": 1, "abandoned_early": 3,
        "abandoned_hold": 2, "escalated": 3, "false_thanks": 3, "status_wrong": 2,
        "still_broken": 2, "recontact": 1,
    },
    ("chat", "taskmaster4"): {
        "order_done": 80, "order_cut": 7, "not_available": 13, "off_topic": 6,
    },
    ("call", "taskmaster4"): {
        "order_done": 40, "order_cut": 5, "not_available": 5, "off_topic": 3,
    },
    ("chat", "template"): {"solved": 3},
    ("email", "template"): {"solved": 3},
    ("call", "template"): {"form_match": 4},
}  # fmt: skip
"""Conversations of each kind; about what a desk of a shop sees. `recontact` gives two each."""

RESOLVED = frozenset(
    {"solved", "solved_silent", "solved_retry", "solved_recontact", "multi_issue", "rude",
     "order_done", "form_match"}
)  # fmt: skip
ASKED_FOR = ("EMAIL", "PHONE", "ACCOUNT", "PERSON", "DOB", "SSN_LAST4", "ADDRESS")


@dataclass(kw_only=True)
class Turn:
    """One utterance and the marked values in it, as (type, value)."""

    sender: str
    role: str
    text: str
    marks: list[tuple[str, str]] = field(default_factory=list)


@dataclass(kw_only=True)
class Story:
    """One conversation with its labels."""

    channel: str
    source: str
    source_id: str
    kind: str
    category: str
    intent: str | None
    who: Customer
    agent: str
    language: str = "en"
    turns: list[Turn] = field(default_factory=list)
    pairs: list[tuple[list[int], list[int], list[list[int]]]] | None = field(default_factory=list)
    """Turns of query, of response, and of other answers to accept."""
    status: str | None = None
    csat: int | None = None
    is_ended: bool = False
    flags: dict[str, bool] = field(default_factory=dict)
    group: str | None = None
    follows: "Story | None" = None

    @property
    def is_resolved(self) -> bool:
        """By construction."""
        return self.kind in RESOLVED


class Writer:
    """Writes conversations out of sources and phrases."""

    def __init__(self, words: Row, sources: Sources, rng: Random) -> None:
        self.words, self.rng, self.sources = words, rng, sources
        self._questions = iter(sources.questions)
        self._orders = {name: iter(rows) for name, rows in sources.orders.items()}

    def stories(self) -> Iterator[Story]:
        """The whole mix, and a few issues that were answered twice."""
        for (channel, source), kinds in MIX.items():
            for kind, count in kinds.items():
                for n in range(count):
                    yield from self._one(channel, source, kind, n)

    def _one(self, channel: str, source: str, kind: str, n: int) -> Iterator[Story]:
        if source == "taskmaster4":
            yield self._order(channel, kind)
        elif source == "template":
            yield self._bank(n) if kind == "form_match" else self._foreign(channel, n)
        elif kind == "recontact":
            yield from self._recontact(channel)
        else:
            row = next(self._questions)
            story = self._question(channel, kind, row)
            yield story
            if kind == "solved" and n % 9 == 0:
                story.group = f"dup-{row['id']}"
                again = self._question(channel, kind, row)
                again.group = story.group
                yield again

    def pick(self, name: str) -> Any:
        """One of the phrases of that name."""
        return self.rng.choice(self.words[name])

    def _story(self, channel: str, kind: str, source: str, **rest: Any) -> Story:
        story = Story(
            channel=channel, kind=kind, source=source, who=person(self.words, self.rng),
            agent=self.pick("agents"), **rest,
        )  # fmt: skip
        if channel == "chat":
            self._chat_opening(story)
        elif channel == "call" and self.rng.random() < 0.75:
            story.turns.append(
                Turn(sender="agent", role="greeting", text=self.pick("agent_greeting"))
            )
        return story

    def _chat_opening(self, story: Story) -> None:
        rng, say = self.rng, story.turns.append
        if rng.random() < 0.35:
            say(Turn(sender="bot", role="bot", text=self.pick("bot")))
        if rng.random() < 0.5:
            say(
                Turn(
                    sender="system", role="system", text=self.pick("join").format(name=story.agent)
                )
            )
        if rng.random() < 0.4:
            say(Turn(sender="customer", role="greeting", text=self.pick("customer_greeting")))
        if rng.random() < 0.5:
            say(Turn(sender="agent", role="greeting", text=self.pick("agent_greeting")))

    def _question(self, channel: str, kind: str, row: Row, before: str = "") -> Story:
        story = self._story(
            channel, kind, "bitext", source_id=row["id"], category=row["category"],
            intent=row["intent"],
        )  # fmt: skip
        asked = self._need(story, row, before)
        if kind not in ("abandoned_early", "generic_only", "transfer"):
            self._middle(story, is_held=kind == "abandoned_hold")
        elif channel == "chat" and kind != "abandoned_early" and self.rng.random() < 0.5:
            self._say(story, "agent", "filler", self.pick("filler"))
        getattr(self, f"_end_{_ENDINGS[kind]}")(story, row, asked)
        self._state(story)
        return story

    def _say(self, story: Story, sender: str, role: str, text: str) -> int:
        marks = [("BUSINESS", v) for v in (PHONE, MAIL) if sender == "agent" and v in text]
        story.turns.append(Turn(sender=sender, role=role, text=text, marks=marks))
        return len(story.turns) - 1

    def _need(self, story: Story, row: Row, before: str = "") -> int:
        marks: list[tuple[str, str]] = []
        entity = row.get("entity") or {}
        if entity.get("type") in ("order_id", "invoice_id"):
            marks.append(("NOT_PII", entity["value"]))
        elif entity.get("type") == "person_name":
            marks.append(("PERSON", entity["value"]))
        parts = [f"{before} {row['query']}".strip()]
        rng = self.rng
        if rng.random() < 0.42:
            kind = rng.choice([k for k in self.words["detail"] if k != "SSN_LAST4"])
            value = personal(kind, story.who, rng, self.words)
            parts.append(rng.choice(self.words["detail"][kind]).format(v=value))
            marks.append((kind, value))
        if rng.random() < 0.3:
            kind = rng.choice(list(self.words["alike"]))
            value = alike(kind, rng)
            parts.append(rng.choice(self.words["alike"][kind]).format(v=value))
            marks.append(("NOT_PII", value))
        text = ("\n\n" if story.channel == "email" and rng.random() < 0.5 else " ").join(parts)
        story.turns.append(Turn(sender="customer", role="need", text=text, marks=marks))
        return len(story.turns) - 1

    def _middle(self, story: Story, *, is_held: bool) -> None:
        """Checks and questions before the answer; a held conversation ends in them."""
        rng = self.rng
        if story.channel == "email":
            if is_held:
                self._say(story, "agent", "clarify", self.pick("clarify")[0])
            return
        if rng.random() < 0.3:
            self._say(story, "agent", "filler", self.pick("filler"))
        if rng.random() < 0.35:
            kind = rng.choice(ASKED_FOR)
            value = personal(kind, story.who, rng, self.words)
            self._say(story, "agent", "verification", rng.choice(self.words["verification"][kind]))
            text = self.pick("verified").format(v=value)
            marks = [(kind, value)]
            story.turns.append(Turn(sender="customer", role="verification", text=text, marks=marks))
        if is_held or rng.random() < 0.15:
            question, answers = self.pick("clarify")
            self._say(story, "agent", "clarify", question)
            if not is_held:
                self._say(story, "customer", "clarify", rng.choice(answers))

    def _answer(self, story: Story, row: Row, role: str, before: str = "") -> list[int]:
        """The turns of an answer; some agents write it in two messages."""
        entity = (row.get("entity") or {}).get("value", "")
        text = filled(row["response"], entity)
        whole = f"{before} {text}".strip()
        cut = whole.find("\n\n")
        if story.channel == "chat" and cut > 0 and self.rng.random() < 0.25:
            parts = [whole[:cut], whole[cut:].strip()]
        else:
            parts = [whole]
        at = [self._say(story, "agent", role, part) for part in parts]
        if entity and (row["entity"]["type"] in ("order_id", "invoice_id")):
            for n in at:
                story.turns[n].marks += [("NOT_PII", entity)] * (entity in story.turns[n].text)
        return at

    def _end_solved(self, story: Story, row: Row, asked: int) -> None:
        before = ""
        if story.kind == "rude":
            before, story.flags["rude_agent"] = self.pick("rude"), True
        elif self.rng.random() < 0.08:
            before, story.flags["needless_apology"] = self.pick("apology"), True
        at = self._answer(story, row, "resolution", before)
        assert story.pairs is not None
        story.pairs.append(([asked], at, []))
        if story.kind not in ("solved_silent", "unsolved_recontact_first"):
            self._say(story, "customer", "confirm", self.pick("confirm"))
            if story.channel != "email" and self.rng.random() < 0.3:
                self._say(story, "agent", "closing", self.pick("closing"))

    def _end_retry(self, story: Story, row: Row, asked: int) -> None:
        others = (r for r in self.sources.questions if r["category"] != row["category"])
        self._answer(story, next(others), "wrong_answer")
        self._say(story, "customer", "complaint", self.pick("complaint_wrong"))
        self._end_solved(story, row, asked)

    def _end_several(self, story: Story, row: Row, asked: int) -> None:
        self._end_solved(story, row, asked)
        other = next(r for r in self._questions if r["category"] != row["category"])
        story.source_id += f"+{other['id']}"
        if story.turns[-1].role == "closing":
            story.turns.pop()
        again = self._need(story, other, self.pick("second_need"))
        self._middle(story, is_held=False)
        self._end_solved(story, other, again)

    def _end_broken(self, story: Story, row: Row, asked: int) -> None:
        del asked
        names = {"status_wrong": "complaint_status", "false_thanks": "complaint_thanks"}
        self._answer(story, row, "failed_answer")
        name = names.get(story.kind, "complaint_broken")
        self._say(story, "customer", "complaint", self.pick(name))

    def _end_phrase(self, story: Story, row: Row, asked: int) -> None:
        del row, asked
        roles = {"escalated": "escalation", "transfer": "transfer", "generic_only": "non_answer"}
        role = roles[story.kind]
        self._say(story, "agent", role, self.pick(role))
        if role == "escalation" and self.rng.random() < 0.8:
            self._say(story, "customer", "wait", self.pick("wait"))

    def _end_nothing(self, story: Story, row: Row, asked: int) -> None:
        del row, asked
        if story.channel == "chat" and self.rng.random() < 0.3:
            self._say(story, "system", "system", self.pick("left").format(name=story.who.first))

    def _recontact(self, channel: str) -> Iterator[Story]:
        row = next(self._questions)
        first = self._question(channel, "unsolved_recontact_first", row)
        first.pairs = []
        yield first
        second = self._question(channel, "solved_recontact", row, self.pick("recontact"))
        _rename(second, first.who)
        second.follows = first
        yield second

    def _order(self, channel: str, kind: str) -> Story:
        outcome = {"order_done": "ordered", "order_cut": "ordered"}.get(kind, kind)
        row = next(self._orders[outcome])
        is_off = kind == "off_topic"
        story = self._story(
            channel, kind, "taskmaster4", source_id=row["conversation_id"],
            category="OFF_TOPIC" if is_off else "ORDER",
            intent="off_topic" if is_off else "place_order",
        )  # fmt: skip
        said = row["turns"]
        asked = self._need(story, {"query": said[0]["text"]})
        for turn in said[1 : 2 if kind == "order_cut" else None]:
            self._say(story, turn["speaker"], "task", turn["text"])
        if kind == "order_cut":
            self._say(story, "customer", "complaint", self.pick("order_no"))
        elif kind == "order_done":
            agents = [n for n, t in enumerate(story.turns) if t.sender == "agent" and n > asked]
            story.turns[agents[-1]].role = "resolution"
            assert story.pairs is not None
            story.pairs.append(([asked], agents[-1:], [agents[-2:]]))
        self._state(story)
        return story

    def _foreign(self, channel: str, n: int) -> Story:
        rows = self.words["foreign"]
        at = n if channel == "chat" else n + 1
        language, category, query, answer, thanks = rows[at % len(rows)]
        story = Story(
            channel=channel, kind="solved", source="template", source_id=f"foreign-{language}",
            category=category, intent=None, who=person(self.words, self.rng),
            agent=self.pick("agents"), language=language, pairs=[([0], [1], [])],
        )  # fmt: skip
        story.group = f"dup-foreign-{at % len(rows)}"
        for sender, role, text in (("customer", "need", query), ("agent", "resolution", answer),
                                   ("customer", "confirm", thanks)):  # fmt: skip
            self._say(story, sender, role, text)
        return story

    def _bank(self, n: int) -> Story:
        rows = self.words["bank"]
        story = self._story(
            "call", "form_match", "harper_valley", source_id=f"bank-{n}", category="BANKING",
            intent=None, pairs=None,
        )  # fmt: skip
        story.group = f"dup-bank-{n % len(rows)}"
        for at, text in enumerate(rows[n % len(rows)]):
            self._say(story, ("customer", "agent")[at % 2], "real", text)
        return story

    def _state(self, story: Story) -> None:
        """What the source says about the end; a third says nothing."""
        rng = self.rng
        if story.kind == "status_wrong" or rng.random() < 0.64:
            story.is_ended = True
            story.status, story.csat = _stated(story, rng)
        if story.channel == "email" and story.turns[-1].sender == "customer":
            story.is_ended &= any(turn.sender == "agent" for turn in story.turns)
        if story.channel != "chat":
            story.csat = None


_ENDINGS = {
    "solved": "solved", "solved_silent": "solved", "rude": "solved", "solved_recontact": "solved",
    "unsolved_recontact_first": "solved", "solved_retry": "retry", "multi_issue": "several",
    "still_broken": "broken", "status_wrong": "broken", "false_thanks": "broken",
    "escalated": "phrase", "transfer": "phrase", "generic_only": "phrase",
    "abandoned_early": "nothing", "abandoned_hold": "nothing",
}  # fmt: skip


def _stated(story: Story, rng: Random) -> tuple[str | None, int | None]:
    if story.is_resolved or story.kind in ("status_wrong", "unsolved_recontact_first"):
        low = story.kind in ("status_wrong", "unsolved_recontact_first")
        csat = rng.choice((None, 1, 2) if low else (None, 3, 4, 5, 5, 5))
        return "solved", csat
    if story.kind.startswith("abandoned"):
        return rng.choice(("abandoned", "abandoned", None)), rng.choice((None, 1, 2, 3))
    if story.kind == "transfer":
        return rng.choice(("transferred", None)), rng.choice((None, 1, 2))
    return rng.choice(("unsolved", "unsolved", "unsolved", None)), rng.choice((None, 1, 1, 2, 3))


def _rename(story: Story, who: Customer) -> None:
    for turn in story.turns:
        for at, (kind, value) in enumerate(turn.marks):
            swap = {story.who.name: who.name, story.who.email: who.email}.get(value)
            if swap:
                turn.text = turn.text.replace(value, swap)
                turn.marks[at] = (kind, swap)
    story.who = who
