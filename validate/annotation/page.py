"""The annotation page as HTML: one example at a time, with neither tags nor verdict.

Jinja escapes every text; the page loads nothing from anywhere, and scripts only add keys. Reads and
writes no table or topic.
"""

import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment

from deskwheel.annotations import AnnotationTask
from deskwheel.console.charts import bar
from deskwheel.pages import templates
from validate.annotation.desk import Desk
from validate.annotation.guide import GUIDE_VERSION, MAX_COMMENT_CHARS, QUESTIONS, values_of

Form = Mapping[str, str]

DIGITS = "123456789"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def entry_page(problem: str = "", *, status: int = 200) -> Response:
    """The page that asks for name and token, with what was wrong."""
    return _page("entry", {"problem": problem}, status=status)


def progress_page(counts: Mapping[str, Any]) -> Response:
    """How many examples are annotated, by category."""
    return _page("progress", {"counts": counts})


def task_page(
    desk: Desk,
    key: str,
    task: AnnotationTask | None,
    *,
    mark: str,
    form: Form | None = None,
    problems: Sequence[str] = (),
) -> Response:
    """One task with the answers that were given, or the page that says all is done.

    Args:
        desk: knows texts and progress.
        key: the annotator.
        task: theirs; None when nothing is left.
        mark: what the form carries.
        form: what was just sent and not stored; shown again.
        problems: why it was not stored; the status is 422 then.
    """
    given, comment = desk.given(task) if task else ({}, "")
    if form is not None:
        given, comment = dict(form), form.get("comment", "")
    categories = desk.settings.validate.annotation_categories
    facts = {
        "annotator": key,
        "task": task,
        "shown": desk.shown(task) if task else None,
        "questions": [(q, keyed(values_of(q, categories))) for q in QUESTIONS],
        "given": {name: str(value) for name, value in given.items()},
        "comment": comment,
        "max_comment_chars": MAX_COMMENT_CHARS,
        "progress": desk.progress(key),
        "previous": desk.previous(key),
        "problems": problems,
        "mark": mark,
    }
    return _page("task" if task else "done", facts, status=422 if problems else 200)


def keyed(values: Sequence[Any]) -> list[tuple[Any, str]]:
    """Values with the key that chooses each: digits, or letters where there are more than nine."""
    keys = DIGITS if len(values) <= len(DIGITS) else LETTERS
    return [(value, keys[i : i + 1]) for i, value in enumerate(values)]


def _page(kind: str, facts: Mapping[str, Any], *, status: int = 200) -> Response:
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline';"
        " img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    template = _environment().get_template("page.html")
    text = template.render(kind=kind, nonce=nonce, guide_version=GUIDE_VERSION, **facts)
    return HTMLResponse(text, status, headers={"Content-Security-Policy": policy})


@cache
def _environment() -> Environment:
    return templates(Path(__file__).parent, {"bar": bar})
