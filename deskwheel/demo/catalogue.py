"""The demo company's facts, and customer issues drawn from them with their ideal answers.

Pure: reads `company.toml`, no table or topic. The simulated traffic, the base model's corpus and
the simulated customers who judge answers all draw from here, so they agree on what is right.
"""

import random
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskwheel.errors import ConfigError

FIRST_ANSWER_SHARE = 0.8
"""How often agents use the first phrasing of an answer: one clear habit, some variety."""

APOLOGY_PENALTY = 0.35
"""What an apology that nobody asked for costs in `is_helpful`."""

_APOLOGY = re.compile(r"\b(?:apolog\w*|sorry|regret)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+|[0-9]+")
_STOP_WORDS = frozenset(
    "a an and are as at be by can do does for from has have i if in is it its me my of on or our"
    " so that the then there this to us we will with you your".split()
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that can be said about one intent and one subject."""

    category: str
    intent: str
    subject: str
    """Name of the product, region or plan; empty where the intent needs none."""
    queries: tuple[str, ...]
    answers: tuple[str, ...]
    """The same facts in other words; the first is the usual one."""
    vague_queries: tuple[str, ...]
    """Queries that leave the subject out; empty where there is no subject."""
    clarification: str
    """What an agent asks back after a vague query."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The company and every question its customers ask."""

    name: str
    domain: str
    support_address: str
    questions: tuple[Question, ...]
    facts: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    bad_answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One customer's problem: how it is asked, what helps, and what does not."""

    category: str
    intent: str
    subject: str
    query: str
    answer: str
    bad_answer: str
    vague_query: str
    """The query without its subject; empty where the issue has no subject."""
    clarification: str


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Return the catalogue of a company file, of the shipped company without one.

    Raises:
        ConfigError: the file is missing or no TOML, or a template names a fact its subject
            does not have.
    """
    source = path or Path(__file__).with_name("company.toml")
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
        return _catalogue(data)
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read ({error}); leave it out for ours") from error
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigError(
            f"{source}: {error!r}: not TOML, or a key or a fact in braces is missing"
        ) from error


def draw_issue(catalogue: Catalogue, rng: random.Random) -> Issue:
    """Return an issue drawn evenly over questions; the same generator state, the same issue."""
    question = rng.choice(catalogue.questions)
    parts = (
        rng.choice(catalogue.before),
        rng.choice(question.queries),
        rng.choice(catalogue.after),
    )
    usual, *others = question.answers
    is_usual = rng.random() < FIRST_ANSWER_SHARE or not others
    return Issue(
        category=question.category,
        intent=question.intent,
        subject=question.subject,
        query=" ".join(part for part in parts if part),
        answer=usual if is_usual else rng.choice(others),
        bad_answer=rng.choice(catalogue.bad_answers),
        vague_query=rng.choice(question.vague_queries) if question.vague_queries else "",
        clarification=question.clarification,
    )


def facts_pages(catalogue: Catalogue) -> list[str]:
    """Return the knowledge base as prose: a page a subject, then a page a category."""
    pages = list(catalogue.facts)
    for category in sorted({q.category for q in catalogue.questions}):
        about = [q for q in catalogue.questions if q.category == category]
        lines = [f"{catalogue.name} help, {category.lower()}."]
        lines += [f"{q.queries[0]} {q.answers[0]}" for q in about]
        pages.append("\n".join(lines))
    return pages


def is_helpful(issue_answer: str, reply: str) -> float:
    """Return how much a reply says of what the issue's answer says, in [0, 1].

    F1 over content words (a bag, numbers included), less a penalty when the reply apologises
    and the ideal answer does not. This is the judgement of the simulated customers only.

    >>> is_helpful("Hold the boil button for 5 seconds.", "Hold the boil button for 5 seconds.")
    1.0
    """
    wanted, said = _content_words(issue_answer), _content_words(reply)
    common = sum((wanted & said).values())
    if not common:
        return 0.0
    f1 = 2 * common / (wanted.total() + said.total())
    is_needless = bool(_APOLOGY.search(reply)) and not _APOLOGY.search(issue_answer)
    return max(0.0, f1 - APOLOGY_PENALTY) if is_needless else f1


def _content_words(text: str) -> Counter[str]:
    return Counter(w for w in _WORD.findall(text.lower()) if w not in _STOP_WORDS)


def _catalogue(data: Mapping[str, Any]) -> Catalogue:
    company, wording = data["company"], data["wording"]
    return Catalogue(
        name=company["name"],
        domain=company["domain"],
        support_address=company["support_address"],
        questions=tuple(q for intent in data["intents"] for q in _questions(intent, data)),
        facts=tuple(_facts(company["name"], data)),
        before=tuple(wording["before"]),
        after=tuple(wording["after"]),
        bad_answers=tuple(wording["bad_answers"]),
    )


def _questions(intent: Mapping[str, Any], data: Mapping[str, Any]) -> list[Question]:
    subjects = data[intent["subjects"]] if "subjects" in intent else [{"name": ""}]
    return [
        Question(
            category=intent["category"],
            intent=intent["name"],
            subject=subject["name"],
            queries=_filled(intent["queries"], subject),
            answers=_filled(intent["answers"], subject),
            vague_queries=_filled(intent.get("vague_queries", []), subject),
            clarification=intent.get("clarification", "").format_map(subject),
        )
        for subject in subjects
    ]


def _filled(templates: Sequence[str], subject: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(template.format_map(subject) for template in templates)


def _facts(company: str, data: Mapping[str, Any]) -> list[str]:
    pages = [
        f"The {p['name']} by {company} costs {p['price']} dollars. Customers may return it for"
        f" {p['return_days']} days, and the warranty runs for {p['warranty_months']} months."
        f" To reset it, {p['reset']}. To connect it, {p['pairing']}."
        for p in data["products"]
    ]
    pages += [
        f"{r['carrier']} delivers to {r['name']} in {r['days']}. The fee: {r['fee']}."
        f" A search for a lost parcel takes {r['search_days']} days."
        for r in data["regions"]
    ]
    pages += [
        f"The {p['name']} of {company} is for {p['devices']} devices at {p['price']} dollars a"
        f" month, billed on the {p['billing_day']} day. The notice is {p['notice']}."
        for p in data["plans"]
    ]
    return pages
