"""A parsed mail whose headers are looked up, not searched.

`email.message.Message.get` walks all headers, and the rules of a mail ask for sixty of them. Pure.
"""

from email.message import Message
from typing import Any


class IndexedMessage(Message):
    """A message as the parser made it; to be read only: a header that is set later is not found.

    For `message_from_bytes(…, _class=IndexedMessage)`. Of several headers of one name `get` returns
    the first, in any case of letters, as the standard message does.
    """

    _index: dict[str, tuple[str, Any]] | None = None

    def set_raw(self, name: str, value: Any) -> None:
        """Take a header over from the parser."""
        self._index = None
        super().set_raw(name, value)

    def get(self, name: str, failobj: Any = None) -> Any:
        """The first header of that name by the message's policy, or `failobj`."""
        if self._index is None:
            items = reversed(list(self.raw_items()))
            self._index = {key.lower(): (key, value) for key, value in items}
        found = self._index.get(name.lower())
        return failobj if found is None else self.policy.header_fetch_parse(*found)
