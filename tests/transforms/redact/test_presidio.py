import importlib.util
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from deskwheel.errors import SetupError
from deskwheel.settings import Settings
from transforms.redact import presidio
from transforms.redact.spans import Span
from transforms.turns import Rules

is_missing = importlib.util.find_spec("presidio_analyzer") is None


class ToyAnalyzer:
    def analyze(self, text: str, **options: Any) -> list[Any]:
        assert options["entities"] == ["PERSON", "LOCATION"]
        return [SimpleNamespace(start=0, end=len(text), entity_type="LOCATION")]


def test_results_become_spans_behind_every_rule() -> None:
    (span,) = presidio.spans_of(ToyAnalyzer())("Toytown")
    assert span == Span(0, 7, "ADDRESS", 6)


@pytest.mark.skipif(not is_missing, reason="Presidio is installed here")
def test_the_setting_without_the_library_is_refused_with_the_remedy() -> None:
    whole = Settings()
    changed = replace(whole, transforms=replace(whole.transforms, redact_ner=True))
    with pytest.raises(SetupError, match=r"presidio_analyzer is not installed.*redact_ner = false"):
        Rules.of(changed, b"s")
