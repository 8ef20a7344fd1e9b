"""Records for Argilla 2, the settings of their dataset, and answers out of its records file.

Reads and writes files; touches no table or topic. Source: Argilla 2, `Record.to_dict` and
`DatasetRecords.to_json`: an array of id, fields, metadata, suggestions, responses, vectors, where
responses are question → list of value and user id. It states neither time nor status, so that a
draft looks as an answer does: export with a filter on submitted responses.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from validate.annotation.guide import GUIDE_VERSION, QUESTIONS, Question, values_of
from validate.annotation.intake import Given
from validate.annotation.json_items import read_items
from validate.annotation.shown import Shown

RECORDS_FILE = "records.json"
SETTINGS_FILE = "dataset.py"
_FIELDS = ("conversation", "query", "response")


def write(folder: Path, items: Sequence[Shown], *, categories: Sequence[str]) -> list[Path]:
    """Write the records and a script that makes their dataset; overwrites."""
    records = [
        {
            "id": item.example_id,
            "fields": {name: getattr(item, name) for name in _FIELDS},
            "metadata": {},
            "suggestions": {},
            "responses": {},
            "vectors": {},
        }
        for item in items
    ]
    paths = [folder / RECORDS_FILE, folder / SETTINGS_FILE]
    paths[0].write_text(json.dumps(records, ensure_ascii=False, indent=1) + "\n", "utf-8")
    paths[1].write_text(dataset_script(categories), "utf-8")
    return paths


def dataset_script(categories: Sequence[str]) -> str:
    """Python that makes the dataset on a server and loads the records into it."""
    fields = "".join(f"        rg.TextField(name={name!r}),\n" for name in _FIELDS)
    questions = "".join(f"        {_question(q, categories)},\n" for q in QUESTIONS)
    return (
        '"""Makes the dataset on the Argilla server of ARGILLA_API_URL and ARGILLA_API_KEY."""\n\n'
        "import argilla as rg\n\n"
        "settings = rg.Settings(\n"
        f"    guidelines='Annotation guide {GUIDE_VERSION}',\n"
        f"    fields=[\n{fields}    ],\n"
        f"    questions=[\n{questions}"
        "        rg.TextQuestion(name='comment', title='Comment, no personal data',"
        " required=False),\n"
        "    ],\n"
        ")\n"
        "dataset = rg.Dataset(name='annotation', settings=settings, client=rg.Argilla())\n"
        "dataset.create()\n"
        f"dataset.records.from_json('{RECORDS_FILE}')\n"
    )


def read(path: Path, *, annotator: str | None) -> Iterator[Given | str]:
    """Answers of a records file, one for each user who answered a record.

    Args:
        path: what `dataset.records(…).to_json` wrote.
        annotator: who answered; None takes the user id of each answer.

    Raises:
        SetupError: the file cannot be read or is no JSON.
    """
    for where, record in read_items(path):
        responses = record.get("responses") if record else None
        if not record or not isinstance(responses, dict):
            yield f"{where}: no record with id and responses; export with records.to_json"
            continue
        for user, answers in _by_user(responses).items():
            comment = answers.pop("comment", "")
            yield Given(
                where=where,
                example_id=str(record.get("id", "")),
                annotator=annotator or f"argilla {user}",
                answers=answers,
                comment=comment if isinstance(comment, str) else "",
            )


def _by_user(responses: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for question, given in responses.items():
        for one in given if isinstance(given, list) else ():
            if isinstance(one, dict):
                found[str(one.get("user_id"))][question] = one.get("value")
    return found


def _question(question: Question, categories: Sequence[str]) -> str:
    values = values_of(question, categories)
    words = f"name={question.name!r}, title={question.title!r}, description={question.rule!r}"
    if isinstance(values[0], int):
        return f"rg.RatingQuestion({words}, values={list(values)!r})"
    labels = {str(v): question.label(v) for v in values}
    return f"rg.LabelQuestion({words}, labels={labels!r})"
