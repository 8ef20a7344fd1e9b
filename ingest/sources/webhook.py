"""How a webhook is set up: options of source files of kind `webhook`, which the gateway serves.

A webhook is pushed, not pulled, so it is no `Source`: `ingest.gateway.hooks` reads its file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deskwheel.settings import bounded, described

KIND = "webhook"
ABOUT = "Signed deliveries to /v1/webhooks/NAME of the gateway (`gateway.sources_dir`)."


def _table(doc: str) -> Any:
    return field(default_factory=dict, metadata={"doc": doc})


@dataclass(frozen=True)
class WebhookOptions:
    """One address under /v1/webhooks, how its deliveries are signed and what they mean."""

    scheme: str = described(
        "standard",
        "Who signs: `standard` is Standard Webhooks, `hmac` whoever else uses HMAC-SHA256.",
        ("standard", "slack", "zendesk", "hmac"),
    )
    secrets: tuple[str, ...] = described(
        (), "Where the signing secrets are, `env:NAME` or `file:PATH`; two while one is rotated."
    )
    channel: str = described("chat", "Channel of the events.", ("chat", "call", "outcome"))
    replay_window_s: float = bounded(
        0.0, 0, 86_400, "Own replay window; 0 takes `gateway.replay_window_s`."
    )
    signature_header: str = described("x-signature", "Header of the signature (hmac).")
    signature_prefix: str = described("", "What stands before the signature, as `sha256=` (hmac).")
    encoding: str = described("hex", "How the signature is written (hmac).", ("hex", "base64"))
    timestamp_header: str = described(
        "", "Header of the signed time, Unix seconds or ISO 8601 (hmac); empty: none is signed."
    )
    separator: str = described("", "What stands between the signed time and the body (hmac).")
    fields: Mapping[str, str] = _table(
        "Field of our schema = JSONPath in the payload; empty: the payload is in our schema."
    )
    constants: Mapping[str, str] = _table("Field of our schema = value of every event.")
    values: Mapping[str, str] = _table("`field:value there` = value here; `field:*` the others.")
    times: Mapping[str, str] = _table("Field = iso, epoch_s or epoch_ms; iso where left out.")
