"""Stable ids and keys: the same input gives the same id on every machine and in every replay."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

_UNIT = 2.0**64


def digest(*parts: str | bytes) -> str:
    """Hex SHA-256 over length-prefixed parts, so that ("ab", "c") and ("a", "bc") differ."""
    h = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        h.update(len(raw).to_bytes(8, "big"))
        h.update(raw)
    return h.hexdigest()


def record_id(prefix: str, *parts: str | bytes) -> str:
    """A readable id, `prefix-` and 20 hex digits (80 bits: no collision below 10⁹ records)."""
    return f"{prefix}-{digest(*parts)[:20]}"


def content_hash(query: str, response: str, rejected: str | None = None) -> str:
    """SHA-256 of the comparable texts: of query and response, and of a preference's draft."""
    texts = (query, response) if rejected is None else (query, response, rejected)
    return digest(*map(comparable, texts))


def text_digest(example: Mapping[str, Any]) -> str:
    """SHA-256 of the texts of an example to the letter: what a model would read of it.

    Whoever freezes an example and whoever reads it as frozen compute it independently.
    """
    rejected = example.get("rejected_response")
    texts = (example["query"], example["context"], example["response"])
    return digest(*texts, *([rejected] if rejected else []))


def comparable(text: str) -> str:
    """A text without case, accents, punctuation and spacing: what copies have in common."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(re.findall(r"[\w<>]+", bare))


def subject_key(secret: bytes, tenant: str, customer_id: str) -> str:
    """HMAC-SHA256 of a customer's id, the same for one tenant, unlinkable without the secret.

    Source: RFC 2104.
    """
    message = digest(tenant, customer_id.strip().casefold()).encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:32]


def unit_interval(*parts: str | bytes) -> float:
    """A number in [0, 1), uniform over inputs: the place of a subject on a sticky split."""
    return int(digest(*parts)[:16], 16) / _UNIT


def snapshot_digest(rows: Iterable[tuple[str, str, str]]) -> str:
    """Digest of a training set's (example id, split, content hash), whatever order they come in.

    Whoever freezes a snapshot and whoever trains on it compute it independently.
    """
    return digest(*("\0".join(row) for row in sorted(rows)))
