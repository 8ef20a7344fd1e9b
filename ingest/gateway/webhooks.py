"""Signed deliveries of other services into events, each once.

Reads the source files of kind `webhook` in `gateway.sources_dir`; writes nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from deskwheel.ids import record_id
from deskwheel.records import Event
from ingest.envelope import json_object
from ingest.gateway.arrivals import media_type, plain
from ingest.gateway.refusal import unknown_media
from ingest.gateway.signatures import SCHEMES, Claimed, verify
from ingest.sources.webhook import WebhookOptions

MAX_SEEN = 100_000
"""Deliveries remembered, about 200 bytes each. The oldest go first; their event ids stay."""

_MAX_CHALLENGE_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One address and what is known of it."""

    name: str
    tenant: str
    options: WebhookOptions
    keys: Sequence[bytes]
    window_s: float
    map_payload: Callable[[bytes], bytes] | None = None
    """A foreign payload as one of ours; None where they are ours already."""


class Webhooks:
    """The webhooks by name, and the deliveries that were acknowledged lately."""

    def __init__(self, hooks: Mapping[str, Webhook], *, clock: Callable[[], float]) -> None:
        """Start with nothing seen; `clock` counts monotonic seconds."""
        self._hooks = dict(hooks)
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def find(self, name: str) -> Webhook | None:
        """The webhook of a name."""
        return self._hooks.get(name)

    def verify(
        self, hook: Webhook, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> Claimed:
        """What the delivery says of itself, its signature checked.

        Raises:
            Refusal: 401, the signature is missing, wrong or old; 415, it is no JSON.
        """
        claimed = SCHEMES[hook.options.scheme](hook.options, headers, body)
        verify(claimed, hook.keys, now=now, window_s=hook.window_s)
        media = media_type(headers.get("content-type", ""))
        if media != "application/json":
            raise unknown_media("a webhook takes application/json", "content-type")
        return claimed

    def challenge_of(self, hook: Webhook, body: bytes) -> str | None:
        """What Slack wants back when it is told of the address; None for everything else.

        Source: Slack Events API, url_verification.
        """
        if hook.options.scheme != "slack":
            return None
        value = json_object(body)
        challenge = value.get("challenge")
        if value.get("type") != "url_verification" or not isinstance(challenge, str):
            return None
        return challenge[:_MAX_CHALLENGE_CHARS]

    def event_of(self, hook: Webhook, claimed: Claimed, body: bytes, *, now: datetime) -> Event:
        """The event of a delivery, named by its signed id, else by the payload.

        An id that is not signed names nothing: whoever repeats a delivery could change it.

        Raises:
            Refusal: 422, there is no payload.
        """
        data = hook.map_payload(body) if hook.map_payload and body else body
        headers = {"producer": f"webhook:{hook.name}"}
        moment = claimed.sent_at or now
        event = plain(
            hook.options.channel, data, key="", headers=headers, tenant=hook.tenant, now=moment
        )
        if claimed.delivery_id is None:
            return event
        return replace(event, id=record_id("hook", hook.name, claimed.delivery_id))

    def is_seen(self, hook: Webhook, event: Event) -> bool:
        """Whether this delivery was acknowledged within its window."""
        now = self._clock()
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        return self._seen.get(_name(hook, event), 0.0) > now

    def remember(self, hook: Webhook, event: Event) -> None:
        """Note an acknowledged delivery for as long as its signature may be repeated."""
        name = _name(hook, event)
        self._seen[name] = self._clock() + 2 * hook.window_s
        self._seen.move_to_end(name)
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)


def _name(hook: Webhook, event: Event) -> bytes:
    return bytes.fromhex(record_id("", hook.name, event.id).removeprefix("-"))
