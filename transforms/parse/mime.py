"""A MIME message as the text its reader sees: one body out of many parts, charsets and encodings.

Attachments are skipped, and so are TNEF parts (`winmail.dat`) and attached mails while there is
anything else to read. Nothing is unpacked: an archive that says of itself how far it would expand
is refused by its directory.
"""

import codecs
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from deskwheel import reasons
from transforms.parse import html
from transforms.parse.model import Rejection

MOST_PARTS = 200
MOST_TEXT_CHARS = 1_000_000
MOST_UNPACKED_BYTES = 1 << 30
MOST_EXPANSION = 200
"""An archive that declares more than a gibibyte, or more than 100 MiB at over 200 times its size,
is a bomb: deflate alone reaches 1,032, office files and logs stay below 100."""
_SMALL_UNPACKED_BYTES = 100 << 20

_SLOW_CODECS = frozenset({"punycode", "idna"})
"""Decoders whose time grows faster than their input."""
_WIDER = {
    # WHATWG Encoding Standard: what senders mean by these labels.
    "ascii": "utf-8", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "ks_c_5601-1987": "cp949", "euc_kr": "cp949", "iso8859-9": "cp1254",
    "tis_620": "cp874", "big5": "cp950",
}  # fmt: skip
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s?=\s?[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ZIP_TYPES = ("zip", "x-zip-compressed", "x-compressed", "gzip", "x-gzip")
_NO_BODY = re.compile(
    r"^\W*(?:this (?:message|e-?mail) (?:requires|is in|contains) .{0,40}html|"
    r"your (?:e-?mail|mail) (?:client|program|software) .{0,40}(?:html|display)|"
    r"(?:to view|please view) th(?:is|e) .{0,30}(?:html|browser)|html (?:only|version) .{0,40}|"
    r"(?:ihr|dein) (?:e-?mail|mail)-?(?:programm|client) .{0,60}html).{0,80}$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass
class Body:
    """The text of a mail and what was left out of it."""

    text: str = ""
    notes: list[str] = field(default_factory=list)
    """`attachment`, `tnef`, `attached_message`, `html`, `parts_capped`, `charset_guessed`."""


def read_body(message: Message) -> Body:
    """What a mail's reader sees.

    Raises:
        Rejection: `DECOMPRESSION_BOMB` or `TOO_DEEP` for a part that must not be opened.
    """
    body = Body()
    for part in _attachments(message, body):
        _check_archive(part)
    body.text = _shown(message, body, [MOST_PARTS])[:MOST_TEXT_CHARS]
    if not body.text.strip() and "attached_message" in body.notes:
        inner = next(p for p in message.walk() if p.get_content_type() == "message/rfc822")
        payload = inner.get_payload()
        if isinstance(payload, list) and payload and isinstance(payload[0], Message):
            body.text = _shown(payload[0], body, [MOST_PARTS])[:MOST_TEXT_CHARS]
    return body


def _attachments(message: Message, body: Body) -> Iterator[Message]:
    """Parts that are files; what they are is noted."""
    for count, part in enumerate(message.walk()):
        if count >= MOST_PARTS:
            body.notes.append("parts_capped")
            return
        if not part.is_multipart() and _is_file(part):
            body.notes.append("tnef" if _is_tnef(part) else "attachment")
            yield part


def _is_file(part: Message) -> bool:
    if not part.get_content_type().startswith("text/"):
        return True
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _is_tnef(part: Message) -> bool:
    name = str(part.get_filename() or "").lower()
    return part.get_content_type() in {"application/ms-tnef", "application/vnd.ms-tnef"} or (
        name == "winmail.dat"
    )


def _check_archive(part: Message) -> None:
    """Refuse an archive by what its directory says; nothing is unpacked."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return
    name = str(part.get_filename() or "").lower()
    is_archive = payload.lstrip()[:5] == "UEsDB" or name.endswith((".zip", ".gz"))
    if not is_archive and part.get_content_subtype() not in _ZIP_TYPES:
        return
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes) or not raw:
        return
    size = _declared_bytes(raw)
    if size > MOST_UNPACKED_BYTES or (
        size > _SMALL_UNPACKED_BYTES and size > MOST_EXPANSION * len(raw)
    ):
        raise Rejection(
            reasons.DECOMPRESSION_BOMB, f"an archive of {len(raw)} bytes declares {size}"
        )


def _declared_bytes(raw: bytes) -> int:
    """Size an archive says it has once it is unpacked, or 0."""
    if raw[:2] == b"\x1f\x8b":
        return int.from_bytes(raw[-4:], "little")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return 0


def _shown(part: Message, body: Body, left: list[int]) -> str:
    """Text that a part shows: of alternatives the plain one, of mixed parts all in order."""
    left[0] -= 1
    kind = part.get_content_type()
    if kind == "message/rfc822":
        body.notes.append("attached_message")
    if left[0] < 0 or kind == "message/rfc822":
        return ""
    if part.is_multipart():
        children = [p for p in part.get_payload() if isinstance(p, Message)]
        if kind == "multipart/alternative":
            return _alternative(children, body, left)
        texts = [_shown(child, body, left) for child in children]
        return "\n".join(_without_repeats([text for text in texts if text.strip()]))
    if _is_file(part) or kind not in {"text/plain", "text/html"}:
        return ""
    text = read_text(part, body)
    if kind == "text/plain":
        return text
    body.notes.append("html")
    return html.to_text(text)


def _alternative(children: list[Message], body: Body, left: list[int]) -> str:
    """The plain alternative, or the richest where that one says nothing."""
    for child in children:
        if child.get_content_type() == "text/plain":
            text = _shown(child, body, left)
            if text.strip() and not _NO_BODY.match(text.strip()[:300]):
                return text
    for child in reversed(children):
        if child.get_content_type() != "text/plain":
            text = _shown(child, body, left)
            if text.strip():
                return text
    return ""


def _without_repeats(texts: list[str]) -> list[str]:
    """Texts without those that another one holds: some senders call alternatives mixed."""
    plain = [" ".join(text.split()) for text in texts]
    return [
        text
        for i, text in enumerate(texts)
        if not any(
            plain[i] in other and (plain[i] != other or j < i)
            for j, other in enumerate(plain)
            if j != i
        )
    ]


def read_text(part: Message, body: Body) -> str:
    """Text of one part in the charset it has, whatever it declares."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    declared = _declared_charset(part, raw)
    for charset in (*_bom(raw), *_likely(declared, raw), "utf-8", "cp1252", "latin-1"):
        try:
            text = raw.decode(charset)
        except (ValueError, LookupError):
            body.notes.append("charset_guessed")
            continue
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
        return storable(_unflowed(text, part))
    return ""


def _unflowed(text: str, part: Message) -> str:
    """Text whose paragraphs are lines again, where the part says that they were wrapped.

    Source: RFC 3676, section 4: a line that ends in a space goes on below, `-- ` excepted. Quoted
    lines stay as they are.
    """
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    is_space_added = str(part.get_param("delsp", "")).lower() == "yes"
    lines: list[list[str]] = []
    goes_on = False
    for line in text.split("\n"):
        is_quoted = line.startswith(">")
        own = line[1:] if line.startswith(" ") else line
        if goes_on and not is_quoted and own != "-- ":
            if is_space_added:
                lines[-1][-1] = lines[-1][-1][:-1]
            lines[-1].append(own)
        else:
            lines.append([own])
        goes_on = own.endswith(" ") and own != "-- " and not is_quoted
    return "\n".join("".join(pieces) for pieces in lines)


def _declared_charset(part: Message, raw: bytes) -> str:
    declared = part.get_content_charset()
    if declared is None and part.get_content_type() == "text/html":
        found = _META_CHARSET.search(raw[:2048])
        declared = found[1].decode("ascii") if found else None
    return declared or "utf-8"


def _bom(raw: bytes) -> tuple[str, ...]:
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    return tuple(charset for mark, charset in marks if raw.startswith(mark))


def _likely(declared: str, raw: bytes) -> tuple[str, ...]:
    """The declared charset as its senders mean it; UTF-8 first where single bytes say nothing."""
    try:
        name = codecs.lookup(declared).name
    except (LookupError, ValueError):
        return ()
    if name in _SLOW_CODECS:
        return ()
    wider = _WIDER.get(name, name)
    # Random Latin-1 text is UTF-8 by chance with next to no probability.
    return ("utf-8", wider) if wider == "cp1252" and not raw.isascii() else (wider,)


def storable(text: str) -> str:
    """Text without lone surrogates, which UTF-7 and a few other charsets can decode to."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
