"""A mail parsed for reading: its headers are looked up, not searched, its bodies taken whole.

`email.message.Message.get` walks all headers, and the rules of a mail ask for sixty of them; the
standard parser looks at each line of a body. Pure.
"""

import re
from collections.abc import Sequence
from email import message_from_string, policy
from email.message import Message
from typing import Any

_MARK = "\0"
_MARKED = re.compile(rf"{_MARK}(\d+)\n")
_MAILS_INSIDE = ("message/", "multipart/digest")
_EMPTY = ("\n\n", "\n\r\n")


class IndexedMessage(Message):
    """A message as the parser made it; to be read only: a header that is set later is not found.

    Of several headers of one name `get` returns the first, in any case of letters, as the standard
    message does.
    """

    _index: dict[str, tuple[str, Any]] | None = None
    _type: str | None = None

    def set_raw(self, name: str, value: Any) -> None:
        """Take a header over from the parser."""
        self._index = self._type = None
        super().set_raw(name, value)

    def get(self, name: str, failobj: Any = None) -> Any:
        """The first header of that name by the message's policy, or `failobj`."""
        if self._index is None:
            items = reversed(list(self.raw_items()))
            self._index = {key.lower(): (key, value) for key, value in items}
        found = self._index.get(name.lower())
        return failobj if found is None else self.policy.header_fetch_parse(*found)

    def get_content_type(self) -> str:
        """`text/plain` and the like; kept, because it is asked for a dozen times."""
        if self._type is None:
            self._type = super().get_content_type()
        return self._type

    def get_param(
        self,
        param: str,
        failobj: Any = None,
        header: str = "content-type",
        unquote: bool = True,  # noqa: FBT001, FBT002  as the standard message has it
    ) -> Any:
        """A header's parameter, which is taken apart only where the parameter's name is in it."""
        value = self.get(header)
        if value is None or (isinstance(value, str) and param.lower() not in value.lower()):
            return failobj
        return super().get_param(param, failobj, header, unquote)

    def put_back(self, taken: Sequence[str]) -> None:
        """Take over the lines for which marks stand in the body and around its parts."""
        if isinstance(self._payload, str):
            self._payload: Any = _filled(self._payload, taken)
        self.preamble = _filled(self.preamble, taken)
        self.epilogue = _filled(self.epilogue, taken)


def _filled(text: str | None, taken: Sequence[str]) -> str | None:
    if text is None or _MARK not in text:
        return text
    return _MARKED.sub(lambda mark: taken[int(mark[1])], text)


def read_message(data: bytes) -> Message:
    """The message that `message_from_bytes` makes of a mail, for a part of its cost.

    The standard parser gets the mail without the inner lines of its bodies, which it would look at
    one by one and join again; they are put back afterwards.
    """
    text = data.decode("ascii", "surrogateescape")
    short, taken = _without_inner_lines(text)
    message = message_from_string(short, _class=IndexedMessage, policy=policy.compat32)
    if taken:
        for part in message.walk():
            if isinstance(part, IndexedMessage):
                part.put_back(taken)
    return message


def _without_inner_lines(text: str) -> tuple[str, list[str]]:
    """A mail with a mark for the inner lines of each body, and these lines.

    What follows an empty line up to the next line that begins with `--` is a body, a preamble or an
    epilogue, whatever the mail's parts are: the parser takes it as it is, apart from its ends. A
    mail in a mail has headers there, though, and a bare CR may begin a line that is not seen here.
    """
    lower = text.lower()
    if _MARK in text or any(kind in lower for kind in _MAILS_INSIDE) or _has_bare_cr(text):
        return text, []
    pieces: list[str] = []
    taken: list[str] = []
    at = start = 0
    while start < len(text):
        end = text.find("\n--", start) + 1 or len(text)
        first = _behind_empty_line(text, start, end)
        low = text.find("\n", first, end) + 1
        high = text.rfind("\n", low, end - 1) + 1
        if first and low and high > low:
            pieces += [text[at:low], f"{_MARK}{len(taken)}\n"]
            taken.append(text[low:high])
            at = high
        start = end
    return "".join([*pieces, text[at:]]), taken


def _has_bare_cr(text: str) -> bool:
    return "\r" in text and text.count("\r") != text.count("\r\n")


def _behind_empty_line(text: str, start: int, end: int) -> int:
    """Where the first empty line of a stretch ends, or 0."""
    found = [at + len(sign) for sign in _EMPTY if (at := text.find(sign, start, end)) >= 0]
    return min(found, default=0)
