"""Tags of a conversation: the category of what is asked, and the customer's mood.

Categories come from a linear model that anybody can train on labels of their own
(`python -m transforms tags train`); where it is unsure the tag is `OTHER`. Moods come from words of
joy and anger, and from a linear model where none is said; where that is unsure the tag is
`neutral`. Reads model files; touches no table.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from deskwheel.records import Utterance
from transforms.acts.conversation import find_acts
from transforms.tags.foreign import foreign_category
from transforms.tags.labelled import SURE_FROM
from transforms.tags.linear import LinearTagger, load, shipped
from transforms.tags.moods import Sentiment, mark_negations, mood_score, named

__all__ = ["OTHER", "Sentiment", "category", "mood_of", "need_of", "sentiment", "tagger"]

OTHER = "OTHER"
"""What is said of a conversation whose category nobody can tell."""

MAX_NEEDS = 3
"""Messages of the need that are read; later ones belong to another matter."""

LAST_TURNS = 3
"""Customer's turns that show the mood at the end."""

MOOD_FROM = 0.7
"""Below, a mood that no known word names is a guess; nothing between 0.5 and 0.8 scores more than
0.02 differently on the labelled messages of the tests (`benchmarks.transforms_tags`)."""


def category(utterances: Sequence[Utterance], model: str = "") -> str:
    """The category of the customer's need, `OTHER` where the model is unsure.

    Args:
        utterances: the conversation in order.
        model: file of a trained tagger; empty takes the one of the release.

    Raises:
        SetupError: the file is no tagger.
    """
    text = need_of(utterances)
    if not text:
        return OTHER
    if not model and (named := foreign_category(text)):
        return named
    label, share = tagger(model).best(text)
    return label if share >= SURE_FROM else OTHER


def need_of(utterances: Sequence[Utterance]) -> str:
    """What the customer wants: the first messages that say so, else all they wrote.

    What they ask for after they were content with an answer is another matter.
    """
    said = [
        (u.text, act)
        for u, act in zip(utterances, find_acts(utterances), strict=True)
        if u.role == "customer"
    ]
    acts = [act for _, act in said]
    asked = acts.index("need") if "need" in acts else 0
    settled = (n for n, act in enumerate(acts) if n > asked and act in ("confirm", "thanks"))
    needs = [text for text, act in said[: next(settled, None)] if act == "need"]
    return "\n".join(needs[:MAX_NEEDS] or [text for text, _ in said])


@cache
def tagger(model: str) -> LinearTagger:
    """The tagger of a file, read once a process; empty: the release's."""
    return load(Path(model)) if model else shipped("category")


def sentiment(utterances: Sequence[Utterance]) -> Sentiment:
    """The customer's mood at the end: of their last three turns."""
    return mood_of([u.text for u in utterances if u.role == "customer"][-LAST_TURNS:])


def mood_of(texts: Sequence[str]) -> Sentiment:
    """The mood of messages: by known words, else by the linear model, `neutral` where unsure."""
    score = sum(mood_score(text) for text in texts)
    if score:
        return named(score)
    label, share = shipped("sentiment").best(mark_negations("\n".join(texts)))
    if share < MOOD_FROM:
        return "neutral"
    return named({"negative": -1.0, "positive": 1.0}.get(label, 0.0))
