"""Moods of messages by VADER; run under the peers' Python, see `benchmarks.peers`.

Reads `{"text": …}` a line, writes `{"compound": …}` a line: VADER's normalised score in [-1, 1].
"""

import json
import sys

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def main() -> None:
    """Answer each line."""
    analyser = SentimentIntensityAnalyzer()
    for line in sys.stdin:
        scores = analyser.polarity_scores(json.loads(line)["text"])
        print(json.dumps({"compound": scores["compound"]}), flush=True)


if __name__ == "__main__":
    main()
