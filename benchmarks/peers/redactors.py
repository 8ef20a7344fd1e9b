"""Personal data that Presidio's pattern recognisers and scrubadub find; runs under `.venv-peers`.

Reads `{"text": …}` a line, writes `{name: [[[start, end, type], …], seconds]}` a line. Presidio
runs without a language model, as its patterns do in any installation: once with every result, and
once with those of a score of 0.3 and more. scrubadub runs with its default detectors.
"""

import json
import sys
import time
from collections.abc import Callable

import scrubadub
import tldextract.tldextract
from presidio_analyzer import RecognizerRegistry
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

_LEAST_SCORE = 0.3
# Presidio asks for the list of top-level domains over the network; the copy in the package will do.
tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
Found = list[tuple[int, int, str]]

_registry = RecognizerRegistry()
_registry.load_predefined_recognizers(languages=["en"])
_RECOGNISERS = [r for r in _registry.recognizers if not isinstance(r, SpacyRecognizer)]
_SCRUBBER = scrubadub.Scrubber()


def _presidio(text: str, least: float) -> Found:
    found = []
    for recogniser in _RECOGNISERS:
        for result in recogniser.analyze(text, recogniser.supported_entities, None) or ():
            if result.score >= least:
                found.append((result.start, result.end, result.entity_type))
    return found


def _scrubadub(text: str) -> Found:
    return [(f.beg, f.end, f.type) for f in _SCRUBBER.iter_filth(text)]


FINDERS: dict[str, Callable[[str], Found]] = {
    "presidio": lambda text: _presidio(text, _LEAST_SCORE),
    "presidio, any score": lambda text: _presidio(text, 0.0),
    "scrubadub": _scrubadub,
}


def main() -> None:
    """Answer each line; the first text also warms the libraries up."""
    for i, line in enumerate(sys.stdin):
        text = json.loads(line)["text"]
        answer = {}
        for name, find in FINDERS.items():
            if not i:
                find(text)
            began = time.process_time()
            found = find(text)
            answer[name] = (found, time.process_time() - began)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
