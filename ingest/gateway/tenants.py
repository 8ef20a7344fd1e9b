"""Whose request it is: tokens of tenants, and how many events a second each may send.

Reads secrets where the settings say they are; writes nothing.
"""

import hashlib
import hmac
import tomllib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from deskwheel import reasons
from deskwheel.errors import ConfigError
from deskwheel.secret import read_secret
from deskwheel.settings import Settings
from ingest.gateway.refusal import Refusal

API_TOKEN = "api_token"  # noqa: S105  the name of a file
_SETTING = "gateway.tokens_file"


class Tenants:
    """The tenants by the digests of their tokens."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """Keep digests only; `tokens` is token → tenant, who may have two while one is rotated."""
        self._tenants = {_digest(token): tenant for token, tenant in tokens.items()}

    def tenant_of(self, authorization: str | None) -> str:
        """The tenant whose bearer token stands in the header.

        Every token is compared in constant time, so that the answer's delay tells nothing.

        Raises:
            Refusal: 401, there is no token or it is nobody's.
        """
        scheme, _, token = (authorization or "").partition(" ")
        given = _digest(token.strip())
        found = None
        for digest, tenant in self._tenants.items():
            if hmac.compare_digest(given, digest):
                found = tenant
        if found is None or scheme.lower() != "bearer":
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                reasons.TOKEN_INVALID,
                "no token of a tenant; send the header `Authorization: Bearer TOKEN`",
                field="authorization",
            )
        return found


def read_tenants(settings: Settings) -> Tenants:
    """The tenants of `gateway.tokens_file`, else the pipeline's with its token in `secrets_dir`.

    Raises:
        ConfigError: the file or a token is missing, or two tenants share a token.
    """
    if not settings.gateway.tokens_file:
        place = f"file:{Path(settings.pipeline.secrets_dir) / API_TOKEN}"
        return Tenants({read_secret(place, setting=_SETTING): settings.pipeline.tenant})
    path = Path(settings.gateway.tokens_file)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tokens", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"{_SETTING} {path}: cannot be read ({error})") from error
    if not isinstance(table, dict) or not table:
        raise ConfigError(f'{_SETTING} {path}: write [tokens] and lines as acme = "env:NAME"')
    tokens: dict[str, str] = {}
    for tenant, places in table.items():
        for place in places if isinstance(places, list) else [places]:
            token = read_secret(str(place), setting=f"{path}: tokens.{tenant}")
            if tokens.setdefault(token, tenant) != tenant:
                raise ConfigError(
                    f"{_SETTING} {path}: two tenants have the same token; give each its own"
                )
    return Tenants(tokens)


class Quota:
    """A token bucket a tenant: a second's worth at once, then so many events a second.

    A batch larger than the bucket is let in when the bucket is not empty, and is paid off
    afterwards: in the long run nobody gets more than his rate.
    """

    def __init__(self, events_per_s: float, clock: Callable[[], float]) -> None:
        """Start with full buckets; 0 events a second means no limit."""
        self._events_per_s = events_per_s
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, tenant: str, events: int) -> None:
        """Take events out of the tenant's bucket.

        Raises:
            Refusal: 429 with the time after which there is something in it again.
        """
        rate = self._events_per_s
        if not rate:
            return
        now = self._clock()
        full = max(1.0, rate)
        level, since = self._buckets.get(tenant, (full, now))
        level = min(full, level + (now - since) * rate)
        if level < 1:
            self._buckets[tenant] = (level, now)
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                reasons.RATE_LIMITED,
                f"more than {rate:g} events a second (gateway.events_per_s); slow down",
                retry_after_s=(1 - level) / rate,
            )
        self._buckets[tenant] = (level - events, now)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
