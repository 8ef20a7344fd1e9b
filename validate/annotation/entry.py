"""Who may annotate on the page: a token for each annotator, a signed session, a mark in each form.

Reads and makes one secret file; touches no table or topic. A token opens the page for one annotator
only, and neither the gateway nor the serving. Sources: RFC 2104 (HMAC); OWASP, "Cross-Site Request
Forgery Prevention" (signed double submit, SameSite).
"""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from deskwheel.errors import SetupError

KEY_FILE = "annotation_key"
SESSION_S = 12 * 3600
_DIGITS = 32


def annotation_secret(secrets_dir: str | Path) -> bytes:
    """The secret that tokens and sessions are made with; made on first use, mode 600.

    Raises:
        SetupError: the file can be neither read nor made.
    """
    path = Path(secrets_dir) / KEY_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise SetupError(f"{path}: cannot be made ({error}); mend pipeline.secrets_dir") from error
    try:
        found = path.read_bytes().strip()
    except OSError as error:
        raise SetupError(f"{path}: cannot be read ({error}); mend its permissions") from error
    if not found:
        raise SetupError(f"{path}: is empty; remove it, and a new one is made")
    return found


def token_of(secret: bytes, key: str) -> str:
    """The token with which one annotator enters."""
    return _mac(secret, "token", key)


def is_token(secret: bytes, key: str, token: str) -> bool:
    """Whether a token is the annotator's; takes the same time whatever is wrong with it."""
    return _is_equal(token_of(secret, key), token.strip())


def open_session(secret: bytes, key: str, *, now_s: int) -> str:
    """The value of the cookie: annotator, time and signature."""
    return f"{key}.{now_s}.{_mac(secret, 'session', key, str(now_s))}"


def read_session(secret: bytes, cookie: str | None, *, now_s: int) -> str | None:
    """The annotator of a cookie; None when it is not ours or older than `SESSION_S`."""
    key, _, rest = (cookie or "").partition(".")
    begun, _, mac = rest.partition(".")
    if not _is_equal(_mac(secret, "session", key, begun), mac) or not begun.isascii():
        return None
    return key if begun.isdigit() and 0 <= now_s - int(begun) < SESSION_S else None


def form_mark(secret: bytes, cookie: str) -> str:
    """What each form of a session carries, and no page of another site can know."""
    return _mac(secret, "form", cookie)


def is_form_mark(secret: bytes, cookie: str, mark: str) -> bool:
    """Whether a form was made for this session."""
    return _is_equal(form_mark(secret, cookie), mark)


def _mac(secret: bytes, *parts: str) -> str:
    message = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.new(secret, message, sha256).hexdigest()[:_DIGITS]


def _is_equal(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogatepass"))
