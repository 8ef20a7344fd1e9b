"""A mail parsed for reading: its headers are looked up, not searched, its body is not gone through.

`email.message.Message.get` walks all headers, and the rules of a mail ask for sixty of them; and
the standard parser takes each line of a body in its hand, that of a mail of one part, too. Pure.
"""

from email import message_from_bytes, policy
from email.message import Message
from typing import Any

_PARTED = ("multipart", "message")


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


def read_message(data: bytes) -> Message:
    """The message that `message_from_bytes` makes of a mail, for a part of its cost."""
    single = _read_single(data)
    return _parsed(data) if single is None else single


def _parsed(data: bytes) -> Message:
    return message_from_bytes(data, _class=IndexedMessage, policy=policy.compat32)


def _read_single(data: bytes) -> Message | None:
    """A mail of one part by its headers alone; None where anything about it is unusual."""
    ends = [at + len(line) for line in (b"\n\n", b"\n\r\n") if (at := data.find(line)) >= 0]
    if not ends:
        return None
    end = min(ends)
    head = data[:end].lower()
    if b"multipart/" in head or b"message/" in head:
        return None
    message = _parsed(data[:end])
    if message.defects or message.get_payload() or message.get_content_maintype() in _PARTED:
        return None
    message.set_payload(data[end:].decode("ascii", "surrogateescape"))
    return message
