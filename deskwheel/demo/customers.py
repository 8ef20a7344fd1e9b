"""Simulated customers: they ask the served bot, judge its answer, and send the outcome back.

Synthetic, and said to be: satisfaction follows from how many of the right facts an answer holds
(`deskwheel.demo.catalogue.is_helpful`), plus a little chance, so that both arms have a spread.
"""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deskwheel.demo.catalogue import Issue, draw_issue, is_helpful, load_catalogue
from deskwheel.errors import ServiceError

_CSAT_STEPS = (0.3, 0.55, 0.8, 0.92)
"""Helpfulness from which a customer gives 2, 3, 4 and 5 points; the right answer about the wrong
product reaches 0.73, so it must not content anyone."""

_ATTEMPTS = 5
_CONTENT_FROM = 4
"""CSAT from which a simulated customer calls the matter settled."""

_BUSY = (429, 503)


@dataclass(frozen=True)
class Visit:
    """One customer's question, the answer, and what the customer made of it."""

    customer: str
    variant: str
    query: str
    answer: str
    csat: int


def send_customers(
    url: str,
    token: str,
    *,
    model: str,
    customers: int,
    seed: int,
    on_visit: Callable[[int], None],
    clients: int = 8,
) -> list[Visit]:
    """Let customers ask one question each, several at a time, and send their outcomes.

    Raises:
        ServiceError: the application did not answer after several attempts.
    """
    catalogue = load_catalogue()
    rng = random.Random(seed)
    plans = [
        (f"demo-customer-{i}", draw_issue(catalogue, rng), rng.random()) for i in range(customers)
    ]
    visits: list[Visit] = []
    with ThreadPoolExecutor(clients) as pool:
        for visit in pool.map(lambda plan: _visit(url, token, model, *plan), plans):
            visits.append(visit)
            on_visit(len(visits))
    return visits


def judge(issue: Issue, answer: str, chance: float) -> int:
    """CSAT from 1 to 5: one point and one for each step reached, moved by up to ±0.1."""
    helpfulness = is_helpful(issue.answer, answer) + (chance - 0.5) * 0.2
    return 1 + sum(helpfulness >= step for step in _CSAT_STEPS)


def _visit(url: str, token: str, model: str, customer: str, issue: Issue, chance: float) -> Visit:
    asked = {
        "model": model,
        "user": customer,
        "messages": [{"role": "user", "content": issue.query}],
    }
    reply, headers = _post(f"{url}/v1/chat/completions", token, asked)
    answer = str(reply["choices"][0]["message"]["content"])
    csat = judge(issue, answer, chance)
    outcome = {"trace_id": reply["id"], "csat": csat, "is_completed": csat >= _CONTENT_FROM}
    _post(f"{url}/v1/feedback", token, outcome)
    return Visit(customer, headers.get("x-deskwheel-variant", ""), issue.query, answer, csat)


def _post(url: str, token: str, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON answer and its headers; 429 and 503 are tried again with growing pauses."""
    request = urllib.request.Request(  # noqa: S310  our own http address
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    problem = ""
    for attempt in range(_ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
                names = {k.lower(): v for k, v in response.headers.items()}
                return json.loads(response.read()), names
        except urllib.error.HTTPError as error:
            problem = f"{error.code}: {error.read(300).decode('utf-8', 'replace')}"
            if error.code not in _BUSY:
                break
        except OSError as error:
            problem = str(error)
        time.sleep(0.5 * 2**attempt)
    raise ServiceError(f"{url} did not answer: {problem}; see the log of the service `serving`")
