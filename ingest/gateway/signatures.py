"""Whether a webhook's signature belongs to its body, by the schemes of those who send them.

Reads and writes no topic. Secrets are compared in constant time; every secret and signature of a
delivery is tried, so that one secret can be rotated while the other still signs.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from deskwheel import reasons
from ingest.envelope import parsed_time
from ingest.gateway.refusal import Refusal
from ingest.sources.webhook import WebhookOptions

_MAX_SIGNATURES = 8
_MAX_TIME_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """What a delivery says of itself, not believed before its signature is checked."""

    signatures: Sequence[bytes]
    content: bytes
    """The bytes that are signed."""
    sent_at: datetime | None
    """None where the scheme signs no time."""
    delivery_id: str | None = None
    """Signed name of the delivery, the same when it is sent again; None where there is none."""


Scheme = Callable[[WebhookOptions, Mapping[str, str], bytes], Claimed]


def standard(_options: WebhookOptions, headers: Mapping[str, str], body: bytes) -> Claimed:
    """Standard Webhooks: `v1,BASE64` over `id.timestamp.body`.

    Source: Standard Webhooks 1.0.0, Signature scheme and Webhook headers.
    """
    delivery_id = _header(headers, "webhook-id")
    moment = _header(headers, "webhook-timestamp")
    named = [part.partition(",") for part in _header(headers, "webhook-signature").split()]
    return Claimed(
        signatures=[_base64(value) for version, _, value in named if version == "v1"],
        content=b".".join((delivery_id.encode(), moment.encode(), body)),
        sent_at=_seconds(moment, "webhook-timestamp"),
        delivery_id=delivery_id,
    )


def slack(_options: WebhookOptions, headers: Mapping[str, str], body: bytes) -> Claimed:
    """Slack: `v0=HEX` over `v0:timestamp:body`.

    Source: Slack API, Verifying requests from Slack.
    """
    moment = _header(headers, "x-slack-request-timestamp")
    version, _, value = _header(headers, "x-slack-signature").partition("=")
    return Claimed(
        signatures=[_hex(value)] if version == "v0" else [],
        content=b":".join((b"v0", moment.encode(), body)),
        sent_at=_seconds(moment, "x-slack-request-timestamp"),
    )


def zendesk(_options: WebhookOptions, headers: Mapping[str, str], body: bytes) -> Claimed:
    """Zendesk: base64 over timestamp and body; the time is ISO 8601.

    Source: Zendesk developer documentation, Verifying the authenticity of webhook requests.
    """
    name = "x-zendesk-webhook-signature-timestamp"
    moment = _header(headers, name)
    return Claimed(
        signatures=[_base64(_header(headers, "x-zendesk-webhook-signature"))],
        content=moment.encode() + body,
        sent_at=_moment(moment, name),
    )


def plain_hmac(options: WebhookOptions, headers: Mapping[str, str], body: bytes) -> Claimed:
    """HMAC-SHA256 in a header of one's choice, over the body or over time, separator and body.

    Source: RFC 2104.
    """
    value = _header(headers, options.signature_header.lower())
    value = value.removeprefix(options.signature_prefix)
    signature = _hex(value) if options.encoding == "hex" else _base64(value)
    if not options.timestamp_header:
        return Claimed(signatures=[signature], content=body, sent_at=None)
    moment = _header(headers, options.timestamp_header.lower())
    return Claimed(
        signatures=[signature],
        content=moment.encode() + options.separator.encode() + body,
        sent_at=_moment(moment, options.timestamp_header.lower()),
    )


SCHEMES: dict[str, Scheme] = {
    "standard": standard,
    "slack": slack,
    "zendesk": zendesk,
    "hmac": plain_hmac,
}
"""Name in a source file → how a delivery is read."""


def signing_key(scheme: str, secret: str) -> bytes:
    """The key in a secret: what Standard Webhooks writes as `whsec_BASE64`, else its bytes.

    Raises:
        ValueError: the secret is not base64 where the scheme says so.
    """
    if scheme != "standard":
        return secret.encode()
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def verify(claimed: Claimed, keys: Sequence[bytes], *, now: datetime, window_s: float) -> None:
    """Return when the signature is right and, where a time is signed, it is near enough.

    Raises:
        Refusal: 401 SIGNATURE_INVALID or SIGNATURE_EXPIRED.
    """
    is_right = False
    for key in keys:
        right = hmac.new(key, claimed.content, hashlib.sha256).digest()
        for signature in claimed.signatures[:_MAX_SIGNATURES]:
            is_right |= hmac.compare_digest(right, signature)
    if not is_right:
        raise _invalid("the signature does not belong to this body and secret", None)
    if claimed.sent_at is None:
        return
    if abs((now - claimed.sent_at).total_seconds()) > window_s:
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            reasons.SIGNATURE_EXPIRED,
            f"signed more than {window_s:g} s from this clock's time; sign it anew",
        )


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise _invalid("the header is missing", name)
    return value


def _seconds(text: str, name: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_TIME_DIGITS):
        raise _invalid("the header is no time in Unix seconds", name)
    return _at(int(text), name)


def _moment(text: str, name: str) -> datetime:
    moment = parsed_time(text)
    return moment if moment is not None else _seconds(text, name)


def _at(seconds: int, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise _invalid("the header is no time of this calendar", name) from None


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _invalid(message: str, field: str | None) -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, reasons.SIGNATURE_INVALID, message, field=field)
