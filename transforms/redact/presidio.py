"""Names and places by a named-entity model, through Presidio: optional, off by default.

Used where `transforms.redact_ner` is on. Nothing here is imported before that: Presidio, spaCy and
the model are not among deskwheel's dependencies.
"""

import importlib.util
from functools import cache
from typing import Any

from deskwheel.errors import SetupError
from transforms.redact.engine import Recogniser
from transforms.redact.spans import Span

MODEL = "en_core_web_sm"
TYPES = {"PERSON": "PERSON", "LOCATION": "ADDRESS"}
"""Entities that are taken over and our names for them; the rest has better rules here."""

_LEAST_SCORE = 0.6
_RANK = 6
"""Behind every rule of ours: a model's span only adds."""

_REMEDY = (
    "install them beside deskwheel (`pip install presidio-analyzer` and spaCy's model"
    f" {MODEL}), or set transforms.redact_ner = false"
)


def check_installed() -> None:
    """Refuse to go on without Presidio and its model.

    Raises:
        SetupError: one of them is missing; says which, and what to do.
    """
    for name in ("presidio_analyzer", MODEL):
        if importlib.util.find_spec(name) is None:
            raise SetupError(f"transforms.redact_ner is on, but {name} is not installed: {_REMEDY}")


@cache
def recogniser() -> Recogniser:
    """A function from text to spans, loaded once a process (about a second).

    Raises:
        SetupError: Presidio or its model is missing.
    """
    check_installed()
    nlp = importlib.import_module("presidio_analyzer.nlp_engine")
    analyzer = importlib.import_module("presidio_analyzer")
    models = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    engine = nlp.NlpEngineProvider(nlp_configuration=models).create_engine()
    return spans_of(analyzer.AnalyzerEngine(nlp_engine=engine, supported_languages=["en"]))


def spans_of(analyzer: Any) -> Recogniser:
    """The spans of an analyzer's results whose types we take over."""

    def recognise(text: str) -> list[Span]:
        results = analyzer.analyze(
            text, language="en", entities=list(TYPES), score_threshold=_LEAST_SCORE
        )
        return [Span(r.start, r.end, TYPES[r.entity_type], _RANK) for r in results]

    return recognise
