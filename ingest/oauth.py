"""Tokens for OAUTHBEARER: the client-credentials grant, kept until shortly before they expire.

Speaks to the token endpoint only. Source: RFC 6749 §2.3.1, §4.4; RFC 7628 for the use in SASL.
"""

import base64
import http.client
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from kafka.errors import KafkaConnectionError
from kafka.net.sasl.oauth import AbstractTokenProvider

ATTEMPTS = 3
PAUSE_S = 0.2
REQUEST_TIMEOUT_S = 3.0
"""Of one attempt. kafka-python waits for a token in its network thread, all attempts together."""

MAX_ANSWER_BYTES = 1024 * 1024
LIFETIME_S = 60.0
"""Of a token whose endpoint does not say how long it lasts."""

FRESH_SHARE = 0.8
"""Share of its lifetime after which a token is replaced; until its end it serves as a reserve."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
_MOST_HTTP_ERRORS_TO_RETRY = 500


class TokenError(KafkaConnectionError):
    """The endpoint gave no token; kafka-python tries the connection again later."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected request would carry the client's secret to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


class TokenProvider(AbstractTokenProvider):
    """The bearer token of this client, from the endpoint or from memory. Thread-safe."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Remember where tokens are had; asks for none yet."""
        super().__init__()
        self._url = url
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        self._authorization = "Basic " + base64.b64encode(pair.encode()).decode()
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._body = urlencode(form).encode()
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._token = ""
        self._fresh_until = 0.0
        self._valid_until = 0.0

    def __repr__(self) -> str:
        return f"TokenProvider({self._url!r})"

    def token(self) -> str:
        """Return a token that is valid now.

        Raises:
            TokenError: the endpoint gives none, and the last one has expired.
        """
        with self._lock:
            if self._token and self._clock() < self._fresh_until:
                return self._token
            try:
                self._renew()
            except TokenError:
                if not self._token or self._clock() >= self._valid_until:
                    raise
            return self._token

    def _renew(self) -> None:
        asked_at = self._clock()
        answer = self._asked()
        token, lifetime_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise TokenError(f"kafka.oauth_token_url {self._url}: the answer holds no access_token")
        try:
            seconds = LIFETIME_S if lifetime_s is None else max(0.0, float(lifetime_s))
        except (TypeError, ValueError, OverflowError):
            seconds = LIFETIME_S
        self._token = token
        self._fresh_until = asked_at + FRESH_SHARE * seconds
        self._valid_until = asked_at + seconds

    def _asked(self) -> dict[str, Any]:
        """The endpoint's answer; what may pass is tried again, a refusal is not."""
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(PAUSE_S * 2**attempt)
            try:
                return self._once()
            except urllib.error.HTTPError as error:
                why = f"HTTP {error.code}{_code(error)}"
                if error.code < _MOST_HTTP_ERRORS_TO_RETRY and error.code not in (408, 429):
                    break
            except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
                why = str(error) or type(error).__name__
        raise TokenError(
            f"kafka.oauth_token_url {self._url}: no token ({why}); see kafka.oauth_client_id,"
            " kafka.oauth_client_secret and kafka.oauth_scope"
        )

    def _once(self) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  the scheme is checked with the settings
            self._url,
            data=self._body,
            headers={
                "Authorization": self._authorization,
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
        )
        handlers: list[Any] = [_NoRedirect()]
        if urlsplit(self._url).scheme == "http":
            # Plain HTTP is for this machine alone, so it never goes through a proxy.
            handlers.append(urllib.request.ProxyHandler({}))
        opener = urllib.request.build_opener(*handlers)
        with opener.open(request, timeout=REQUEST_TIMEOUT_S) as response:
            text = response.read(MAX_ANSWER_BYTES + 1)
        if len(text) > MAX_ANSWER_BYTES:
            raise ValueError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        answer = json.loads(text)
        if not isinstance(answer, dict):
            raise ValueError("the answer is not a JSON object")
        return answer


def _code(error: urllib.error.HTTPError) -> str:
    """The error code of RFC 6749 §5.2, as in `: invalid_client`; nothing else of the answer."""
    try:
        with error:
            answer = json.loads(error.read(MAX_ANSWER_BYTES))
        code = answer["error"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    is_code = isinstance(code, str) and re.fullmatch(r"[a-z_]{1,60}", code)
    return f": {code}" if is_code else ""
