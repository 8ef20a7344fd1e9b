"""What four libraries take for the reply in a mail; runs under `.venv-peers` (`make peers`).

Reads `{"text": …}` a line, writes `{variant: [reply, seconds]}` a line. A library that offers its
reply with and without the signature has two variants, so that it can be judged by the better one.
"""

import json
import sys
import time
from collections.abc import Callable

import quotequail
from email_reply_parser import EmailReplyParser as Github
from mailparser_reply import EmailReplyParser
from mailparser_reply.constants import MAIL_LANGUAGES
from talon import quotations
from talon.signature.bruteforce import extract_signature

_REPEATS = 3
_ALL_LANGUAGES = [name for name in MAIL_LANGUAGES if name != "david"]


def _mail_parser_reply(text: str) -> str:
    return EmailReplyParser(languages=list(_ALL_LANGUAGES)).parse_reply(text) or ""


def _mail_parser_reply_body(text: str) -> str:
    replies = EmailReplyParser(languages=list(_ALL_LANGUAGES)).read(text).replies
    return replies[0].body if replies else ""


def _quotequail(text: str) -> str:
    return "".join(part for is_own, part in quotequail.quote(text) if is_own)


def _quotequail_intro(text: str) -> str:
    parts = quotequail.quote(text, quote_intro_line=True)
    return "".join(part for is_own, part in parts if is_own)


def _talon_body(text: str) -> str:
    return str(extract_signature(quotations.extract_from_plain(text))[0])


VARIANTS: dict[str, Callable[[str], str]] = {
    "email-reply-parser": Github.parse_reply,
    "mail-parser-reply": _mail_parser_reply,
    "mail-parser-reply, body": _mail_parser_reply_body,
    "quotequail": _quotequail,
    "quotequail, introduction cut": _quotequail_intro,
    "talon": quotations.extract_from_plain,
    "talon, signature cut": _talon_body,
}


def answer(text: str) -> dict[str, tuple[str, float]]:
    """Each variant's reply and its fastest time in seconds; a failure is an empty reply."""
    found = {}
    for name, parse in VARIANTS.items():
        seconds = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            try:
                reply = parse(text) or ""
            except Exception as error:
                print(f"{name}: {type(error).__name__}", file=sys.stderr)
                reply = ""
            seconds.append(time.perf_counter() - began)
        found[name] = (reply, min(seconds))
    return found


def main() -> None:
    """Answer every line of the standard input."""
    answer("warm\n\nOn 1 May 2026 at 10:00, Robin <robin@example.com> wrote:\n> up")
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line)["text"])), flush=True)


if __name__ == "__main__":
    main()
