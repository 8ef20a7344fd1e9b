"""One customer's story: who says what, how it ends, and what the source will claim about it.

Pure: an issue of the demo company and a generator in, a Dialogue out. Rendering as mail, chat
or call is the next step (`mail`, `render`).
"""

import random
from dataclasses import dataclass, field

from deskwheel.demo.catalogue import Catalogue, Issue, draw_issue
from deskwheel.records import Channel, Role
from ingest.simulate import phrases
from ingest.simulate.chance import happens
from ingest.simulate.mess import typed
from ingest.simulate.names import Namer
from ingest.simulate.people import Customer, draw_slip

OUTCOMES = {
    "solved": 0.48,
    "solved_silent": 0.12,
    "solved_retry": 0.10,
    "multi_issue": 0.04,
    "still_broken": 0.08,
    "escalated": 0.05,
    "transferred": 0.03,
    "abandoned": 0.05,
    "brushed_off": 0.05,
}
"""How conversations end, and how often. Own choice: about a fifth is not resolved, in the range
that public contact-centre surveys give for first-contact resolution."""

RESOLVED = frozenset({"solved", "solved_silent", "solved_retry", "multi_issue"})

APOLOGY_SHARE = 0.05
"""Of answers that are right and still apologise for nothing; brushed-off customers come on top."""

RUDE_SHARE = 0.02
SLIP_SHARE = 0.2
"""Of customer turns that hold personal data."""

VAGUE_SHARE = 0.35
"""Of first questions that leave out what they are about, so that the agent has to ask."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that is said; `pii` names the types of personal data in it."""

    role: Role
    text: str
    pii: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A whole story with its truth, which only tests and audits may look at."""

    conversation_id: str
    channel: Channel
    customer: Customer
    agent_id: str
    agent_name: str
    issues: tuple[Issue, ...]
    outcome: str
    status: str | None
    """What the source claims; None where it says nothing, sometimes wrong."""
    csat: int | None
    lines: tuple[Line, ...]
    flags: frozenset[str]

    @property
    def is_resolved(self) -> bool:
        """Whether the customer was helped in truth."""
        return self.outcome in RESOLVED


def write_dialogue(
    catalogue: Catalogue,
    rng: random.Random,
    *,
    channel: Channel,
    customer: Customer,
    messiness: float,
    name: Namer,
) -> Dialogue:
    """Return a new story; the same generator state tells the same story."""
    script = _Script(catalogue, rng, channel, customer, messiness)
    outcome = rng.choices(tuple(OUTCOMES), weights=tuple(OUTCOMES.values()))[0]
    issues = script.tell(outcome)
    return Dialogue(
        conversation_id=name(f"{channel[:2]}-", 48),
        channel=channel,
        customer=customer,
        agent_id=f"a{phrases.AGENT_NAMES.index(script.agent):03}",
        agent_name=script.agent,
        issues=issues,
        outcome=outcome,
        status=_status(rng, outcome),
        csat=_csat(rng, outcome),
        lines=tuple(script.lines),
        flags=frozenset(script.flags),
    )


@dataclass
class _Script:
    """The lines so far, and how to add to them."""

    catalogue: Catalogue
    rng: random.Random
    channel: Channel
    customer: Customer
    messiness: float
    agent: str = ""
    lines: list[Line] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)

    def tell(self, outcome: str) -> tuple[Issue, ...]:
        self.agent = self.rng.choice(phrases.AGENT_NAMES)
        self._open()
        issue = draw_issue(self.catalogue, self.rng)
        self._ask(issue)
        if outcome == "abandoned":
            return (issue,)
        self._maybe_hold()
        endings = {
            "solved": self._solved,
            "solved_silent": self._answer,
            "solved_retry": self._solved_retry,
            "multi_issue": self._answer,
            "still_broken": self._still_broken,
            "escalated": self._escalated,
            "transferred": self._transferred,
            "brushed_off": self._brushed_off,
        }
        endings[outcome](issue)
        return (issue, self._second_issue()) if outcome == "multi_issue" else (issue,)

    def _second_issue(self) -> Issue:
        issue = draw_issue(self.catalogue, self.rng)
        again = self.rng.choice(phrases.SECOND_QUESTION).format(query=issue.query)
        self._customer(again, keep=issue.subject)
        self._solved(issue)
        return issue

    def _open(self) -> None:
        rng = self.rng
        if self.channel == "chat":
            if happens(rng, 0.3):
                self.lines.append(Line(role="bot", text=rng.choice(phrases.BOT_GREETING)))
            self.lines.append(Line(role="system", text=f"You are now connected with {self.agent}."))
            if happens(rng, 0.2):
                self.lines.append(Line(role="customer", text=rng.choice(phrases.HELLO).lower()))
        elif self.channel == "call":
            if happens(rng, 0.4):
                self.lines.append(Line(role="bot", text=rng.choice(phrases.IVR)))
            self._agent(rng.choice(phrases.PICK_UP).format(agent=self.agent))

    def _ask(self, issue: Issue) -> None:
        if not issue.vague_query or not happens(self.rng, VAGUE_SHARE):
            self._customer(issue.query, keep=issue.subject)
            return
        self.flags.add("clarified")
        self._customer(issue.vague_query)
        self._agent(issue.clarification)
        detail = self.rng.choice(phrases.DETAIL).format(subject=issue.subject)
        self._customer(detail, keep=issue.subject)

    def _maybe_hold(self) -> None:
        if self.channel == "email":
            return
        if happens(self.rng, 0.04):
            self._agent(phrases.ASK_LAST_FOUR)
            digits = f"{self.rng.randint(0, 9999):04}"
            self.lines.append(Line(role="customer", text=digits, pii=("SSN_LAST4",)))
        elif happens(self.rng, 0.2):
            self._agent(self.rng.choice(phrases.HOLD))

    def _solved(self, issue: Issue) -> None:
        self._answer(issue)
        self._thank()

    def _solved_retry(self, issue: Issue) -> None:
        wrong = [q for q in self.catalogue.questions if q.intent != issue.intent]
        self._agent(self.rng.choice(wrong).answers[0])
        again = self.rng.choice(phrases.NOT_WHAT_I_ASKED).format(query=issue.query)
        self._customer(again, keep=issue.subject)
        self._answer(issue)
        self._thank()

    def _still_broken(self, issue: Issue) -> None:
        self._answer(issue)
        self._customer(self.rng.choice(phrases.STILL_BROKEN))
        if happens(self.rng, 0.5):
            self._agent(self.rng.choice(phrases.TRY_LATER))

    def _escalated(self, _issue: Issue) -> None:
        self._agent(self.rng.choice(phrases.ESCALATE))
        if happens(self.rng, 0.5):
            self._customer(self.rng.choice(phrases.FINE))

    def _transferred(self, _issue: Issue) -> None:
        self._agent(self.rng.choice(phrases.TRANSFER))

    def _brushed_off(self, issue: Issue) -> None:
        self.flags.add("needless_apology")
        self._agent(issue.bad_answer)
        self._customer(self.rng.choice(phrases.DISAPPOINTED))

    def _answer(self, issue: Issue) -> None:
        text = issue.answer
        if happens(self.rng, APOLOGY_SHARE):
            self.flags.add("needless_apology")
            text = self.rng.choice(phrases.APOLOGY).format(answer=text)
        elif happens(self.rng, RUDE_SHARE):
            self.flags.add("rude_agent")
            text = self.rng.choice(phrases.RUDE).format(answer=text)
        elif self.channel == "chat" and happens(self.rng, 0.1):
            text = f"{self.rng.choice(phrases.HELLO)} {self.customer.first}, {text}"
        self._agent(text)

    def _thank(self) -> None:
        self._customer(self.rng.choice(phrases.THANKS))
        if self.channel != "email" and happens(self.rng, 0.6):
            self._agent(self.rng.choice(phrases.WELCOME))

    def _agent(self, text: str) -> None:
        self.lines.append(Line(role="agent", text=text))

    def _customer(self, text: str, *, keep: str = "") -> None:
        pii: tuple[str, ...] = ()
        if self.channel != "call":
            rate = self.messiness * (0.5 if self.channel == "email" else 1.0)
            text = typed(text, self.rng, rate=rate, keep=frozenset(keep.lower().split()))
        if happens(self.rng, SLIP_SHARE):
            kind, sentence = draw_slip(self.rng, self.customer)
            text, pii = f"{text} {sentence}", (kind,)
        self.lines.append(Line(role="customer", text=text, pii=pii))


_STATUS = {
    "still_broken": "unsolved",
    "brushed_off": "unsolved",
    "escalated": "unsolved",
    "transferred": "transferred",
    "abandoned": "abandoned",
}
STATUS_KNOWN_SHARE = 0.7
STATUS_WRONG_SHARE = 0.15
"""Of unresolved conversations with a status: closed as solved although they are not."""


def _status(rng: random.Random, outcome: str) -> str | None:
    # A silent ending without a status could not be told from an unresolved one by anybody.
    if outcome != "solved_silent" and not happens(rng, STATUS_KNOWN_SHARE):
        return None
    status = _STATUS.get(outcome, "solved")
    return "solved" if happens(rng, STATUS_WRONG_SHARE) else status


def _csat(rng: random.Random, outcome: str) -> int | None:
    if happens(rng, 0.45):
        return None
    return rng.randint(4, 5) if outcome in RESOLVED else rng.randint(1, 3)
