"""Tasks for Label Studio, its labelling configuration, and answers out of its JSON export.

Reads and writes files; touches no table or topic. Source: Label Studio documentation, "Label Studio
Task Format" and the tags Choices, Rating and TextArea.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from validate.annotation.guide import QUESTIONS, Question, values_of
from validate.annotation.intake import Given
from validate.annotation.json_items import read_items, read_time
from validate.annotation.shown import Shown

TASKS_FILE = "tasks.json"
CONFIG_FILE = "labeling.xml"


def write(folder: Path, items: Sequence[Shown], *, categories: Sequence[str]) -> list[Path]:
    """Write the tasks and the labelling configuration of a project; overwrites."""
    tasks = [
        {
            "data": {
                "example_id": item.example_id,
                "query": item.query,
                "response": item.response,
                "conversation": item.conversation,
            }
        }
        for item in items
    ]
    paths = [folder / TASKS_FILE, folder / CONFIG_FILE]
    paths[0].write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", "utf-8")
    paths[1].write_text(labelling_config(categories), "utf-8")
    return paths


def labelling_config(categories: Sequence[str]) -> str:
    """The XML that shows a task with the questions of the guide."""
    lines = [
        "<View>",
        '  <Header value="Conversation"/>',
        '  <Text name="conversation" value="$conversation"/>',
        '  <Header value="Query"/>',
        '  <Text name="query" value="$query"/>',
        '  <Header value="Response"/>',
        '  <Text name="response" value="$response"/>',
    ]
    for question in QUESTIONS:
        lines += _control(question, categories)
    lines += [
        '  <TextArea name="comment" toName="response" placeholder="Comment, no personal data"/>',
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def read(path: Path, *, annotator: str | None) -> Iterator[Given | str]:
    """Answers of an export, one for each annotation of each task.

    A skipped task (`was_cancelled`) is a skipped one here. Predictions and ground truth flags are
    not read.

    Args:
        path: the export in the format "JSON", not "JSON-MIN".
        annotator: who answered; None takes the user that each annotation names.

    Raises:
        SetupError: the file cannot be read or is no JSON.
    """
    for where, task in read_items(path):
        data = task.get("data") if task else None
        made = task.get("annotations") if task else None
        if not isinstance(data, dict) or not isinstance(made, list):
            yield f"{where}: no task with data and annotations; export the project as JSON"
            continue
        for one in made:
            if isinstance(one, dict):
                yield _given(where, data, one, annotator)
            else:
                yield f"{where}: an annotation is no object; export the project as JSON"


def _given(where: str, data: dict[str, Any], one: dict[str, Any], annotator: str | None) -> Given:
    answers: dict[str, Any] = {}
    results = one.get("result")
    for result in results if isinstance(results, list) else ():
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict):
            answers[str(result.get("from_name"))] = _value(value)
    comment = answers.pop("comment", "")
    return Given(
        where=where,
        example_id=str(data.get("example_id", "")),
        annotator=annotator or _user(one.get("completed_by")),
        answers=answers,
        comment=comment if isinstance(comment, str) else "",
        at=read_time(one.get("updated_at") or one.get("created_at")),
        is_skipped=one.get("was_cancelled") is True,
    )


def _value(value: dict[str, Any]) -> Any:
    if "rating" in value:
        return value["rating"]
    listed = value.get("choices", value.get("text"))
    if isinstance(listed, list):
        return listed[0] if len(listed) == 1 else "; ".join(map(str, listed))
    return listed


def _user(completed_by: Any) -> str:
    """The user's number or address; an object in exports of newer releases."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("id") or completed_by.get("email")
    return "" if completed_by is None else f"label studio {completed_by}"


def _control(question: Question, categories: Sequence[str]) -> Iterable[str]:
    title = quoteattr(f"{question.title} {question.rule}")
    yield f'  <Header value={title} size="5"/>'
    name = f'name="{question.name}" toName="response"'
    values = values_of(question, categories)
    if isinstance(values[0], int):
        yield f'  <Rating {name} maxRating="{values[-1]}" required="true"/>'
        return
    yield f'  <Choices {name} choice="single" showInline="true" required="true">'
    for value in values:
        shown = quoteattr(question.label(value))
        yield f"    <Choice alias={quoteattr(str(value))} value={shown}/>"
    yield "  </Choices>"
