import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ingest.oauth import TokenError, TokenProvider
from tests.ingest.papers import Endpoint, token_endpoint


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with token_endpoint() as told:
        yield told


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def provider(endpoint: Endpoint, clock: Clock) -> TokenProvider:
    return TokenProvider(
        endpoint.url, "desk:1", "toy-secret", scope="kafka", clock=clock, sleep=lambda _: None
    )


def test_a_token_is_asked_for_once_until_shortly_before_it_expires(endpoint: Endpoint) -> None:
    endpoint.lifetime_s, clock = 100, Clock()
    tokens = provider(endpoint, clock)
    assert tokens.token() == tokens.token()
    clock.now = 79
    tokens.token()
    assert len(endpoint.asked) == 1
    clock.now = 81
    tokens.token()
    assert len(endpoint.asked) == 2
    authorization, body = endpoint.asked[0]
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"desk%3A1:toy-secret"
    assert body == b"grant_type=client_credentials&scope=kafka"


def test_an_endpoint_that_fails_for_a_moment_is_asked_again(endpoint: Endpoint) -> None:
    endpoint.answers = [(503, b"busy"), (200, b"no json")]
    assert provider(endpoint, Clock()).token()
    assert len(endpoint.asked) == 3


def test_an_old_token_serves_until_its_end_when_the_endpoint_is_away(endpoint: Endpoint) -> None:
    endpoint.lifetime_s, clock = 100, Clock()
    tokens = provider(endpoint, clock)
    first = tokens.token()
    endpoint.answers = [(500, b"")] * 6
    clock.now = 90
    assert tokens.token() == first
    clock.now = 101
    with pytest.raises(TokenError, match="HTTP 500"):
        tokens.token()


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (401, b'{"error": "invalid_client"}', "HTTP 401: invalid_client"),
        (401, b'{"error": "toy-secret is wrong"}', r"HTTP 401\)"),
        (302, b"http://127.0.0.1:1/elsewhere", "HTTP 302"),
        (200, b'{"access_token": "a\\u0001b"}', "no access_token"),
        (200, b"{}", "no access_token"),
    ],
)
def test_a_refusal_is_told_without_the_secret(
    endpoint: Endpoint, status: int, answer: bytes, says: str
) -> None:
    endpoint.answers = [(status, answer)]
    with pytest.raises(TokenError, match=says) as caught:
        provider(endpoint, Clock()).token()
    assert "toy-secret" not in str(caught.value)
    assert len(endpoint.asked) == 1
