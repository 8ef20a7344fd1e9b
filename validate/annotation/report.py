"""What comes of annotations, for people: progress, agreement, disputes, and labels as files.

Reads both tables of annotation and the counts of the console; writes files and, for a decision, a
row of `annotations` with an entry of the timeline.
"""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.annotations import Annotation
from deskwheel.console.annotated import annotation_counts
from deskwheel.errors import ConfigError, SetupError
from deskwheel.settings import Settings
from deskwheel.state import State
from validate.annotation import store
from validate.annotation.agreement import Agreement, agreement
from validate.annotation.annotators import annotator_key
from validate.annotation.consensus import (
    Decided,
    answers_of,
    decide,
    gold_scores,
    opinions,
    units_of,
)
from validate.annotation.guide import (
    GUIDE_VERSION,
    QUESTIONS,
    comment_problem,
    read_answers,
    values_of,
)
from validate.annotation.intake import Given, annotation
from validate.annotation.labels import QUESTIONS_OF, make_labels, write_lines

_BAR = 30
_SHOWN = 50


def say(as_json: bool, facts: Mapping[str, Any], *lines: str) -> None:
    """Print facts as one JSON value, or lines for people."""
    if as_json:
        print(json.dumps(facts, default=str), flush=True)
    else:
        print("\n".join(lines), flush=True)


def progress(settings: Settings, arguments: Namespace) -> int:
    """Print how many examples are annotated, by category, on the way to the target."""
    counts = annotation_counts(settings.pipeline.lake)
    if arguments.json:
        print(json.dumps(dict(counts)))
        return 0
    console = Console()
    targets = " → ".join(f"{t:,}" for t in counts["targets"])
    console.print(
        f"{counts['annotated']:,} of {counts['target']:,} examples annotated (targets {targets}),"
        f" {counts['skipped']:,} skipped"
    )
    table = Table("category", "", "annotated", "wanted")
    for name, count in counts["categories"].items():
        wanted = counts["category_target"]
        filled = min(_BAR, _BAR * count // wanted)
        table.add_row(name, "█" * filled + "░" * (_BAR - filled), f"{count:,}", f"{wanted:,}")
    console.print(table)
    return 0


def agree(settings: Settings, arguments: Namespace) -> int:
    """Print agreement by question with its verdict, and how annotators answer hidden gold."""
    annotations = store.read_annotations(settings.pipeline.lake)
    mine = [a for a in annotations if arguments.plan in (None, a.plan_id)]
    found = agreements(settings, mine, seed=arguments.seed)
    scores = gold_scores(
        mine,
        decide(annotations),
        min_accuracy=settings.validate.annotation_min_gold_accuracy,
    )
    if arguments.json:
        facts = {
            "guide_version": GUIDE_VERSION,
            "questions": [asdict(one) for one in found],
            "gold": [asdict(score) for score in scores],
        }
        print(json.dumps(facts))
        return 0
    console = Console()
    table = Table(
        "question", "level", "examples", "equal", "alpha", "95 % interval", "least kappa", "verdict"
    )
    for one in found:
        interval = "–" if one.low is None else f"{one.low:.3f} to {one.high:.3f}"
        table.add_row(
            one.question, one.level, str(one.units), _number(one.share_equal),
            _number(one.alpha), interval, least_kappa(one), one.verdict,
        )  # fmt: skip
    console.print(table)
    gold = Table("annotator", "gold examples", "right", "95 % interval", "")
    for score in scores:
        interval = "–" if score.low is None else f"{score.low:.3f} to {score.high:.3f}"
        flag = "flagged" if score.is_flagged else ""
        gold.add_row(
            score.annotator_key, str(score.examples), _number(score.accuracy), interval, flag
        )
    console.print(gold)
    return 0


def agreements(
    settings: Settings, annotations: Sequence[Annotation], *, seed: int
) -> list[Agreement]:
    """Agreement on each question, over answers by the present version of the guide."""
    categories = settings.validate.annotation_categories
    current = [a for a in annotations if a.guide_version == GUIDE_VERSION]
    return [
        agreement(
            question.name,
            question.level,
            units_of(current, question, categories),
            values=len(values_of(question, categories)),
            seed=seed,
        )
        for question in QUESTIONS
    ]


def least_kappa(found: Agreement) -> str:
    """Cohen's kappa of the two annotators who agree least; `--json` says who they are."""
    return _number(min((k for k in found.kappa.values() if k is not None), default=None))


def adjudicate(settings: Settings, arguments: Namespace) -> int:
    """List what annotators differ on, or store what an adjudicator decides about one example."""
    annotations = store.read_annotations(settings.pipeline.lake)
    if not arguments.example:
        return _list_disputes(annotations, as_json=arguments.json)
    ruling = _ruling(settings, arguments, annotations)
    stored = store.append_annotations(settings.pipeline.lake, [ruling])
    answers = answers_of(ruling)
    if stored:
        _record(settings, ruling, answers)
    decided = decide(store.read_annotations(settings.pipeline.lake))[ruling.example_id]
    say(
        arguments.json,
        {"example_id": ruling.example_id, "answers": answers, "disputed": decided.disputed},
        f"{ruling.example_id}: {', '.join(f'{k} {v}' for k, v in answers.items())} by"
        f" {ruling.annotator_key}; still open: {', '.join(decided.disputed) or 'nothing'}",
    )
    return 0


def labels(settings: Settings, arguments: Namespace) -> int:
    """Write decided labels for a use, if annotators agree well enough on its questions."""
    if not arguments.use or not arguments.to:
        raise ConfigError("annotate labels: give --for tags|resolution|quarantine and --to FILE")
    annotations = store.read_annotations(settings.pipeline.lake)
    found = agreements(settings, annotations, seed=arguments.seed)
    verdicts = {a.question: a.verdict for a in found if a.question in QUESTIONS_OF[arguments.use]}
    refused = [f"{name} (alpha's lower bound {_low(found, name)})"
               for name, verdict in verdicts.items() if verdict == "refuse"]  # fmt: skip
    if refused and not arguments.despite_agreement:
        raise SetupError(
            f"annotators do not agree enough on {', '.join(refused)}; 0.667 is needed: mend the"
            " guide and ask more examples twice, or add --despite-agreement"
        )
    made = make_labels(settings, arguments.use, agreement=verdicts)
    write_lines(Path(arguments.to), made.lines)
    say(
        arguments.json,
        {
            "lines": len(made.lines),
            "left_out": dict(made.left_out),
            "agreement": verdicts,
            "verbs": dict(_verbs(made.lines)),
        },
        f"{len(made.lines)} lines in {arguments.to}; agreement:"
        f" {', '.join(f'{k} {v}' for k, v in verdicts.items())}",
        *(
            f"{count} of them: python -m validate {verb} --from {arguments.to} --by ALIAS"
            for verb, count in _verbs(made.lines).items()
        ),
        *(f"left out, {why}: {count}" for why, count in made.left_out.items()),
    )
    return 0


def tell(settings: Settings, kind: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Put what was done about annotation on the timeline."""
    state = State(settings.pipeline.state_url)
    try:
        state.record(settings.pipeline.name, kind, subject, detail)
    finally:
        state.close()


def _verbs(lines: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How many lines ask for which verb; those of other uses for none."""
    return Counter(line["verb"] for line in lines if "verb" in line)


def _list_disputes(annotations: Sequence[Annotation], *, as_json: bool) -> int:
    said = opinions(annotations)
    open_ones = [d for d in decide(annotations).values() if d.disputed]
    rows: list[dict[str, Any]] = [
        {"example_id": d.example_id, "question": question, "votes": _votes(said, d, question)}
        for d in open_ones
        for question in d.disputed
    ]
    if as_json:
        print(json.dumps(rows))
        return 0
    table = Table("example", "question", "votes")
    for row in rows[:_SHOWN]:
        votes = ", ".join(f"{value}: {count}" for value, count in row["votes"].items())
        table.add_row(row["example_id"], row["question"], votes)
    Console().print(table)
    print(f"{len(rows)} open questions in {len(open_ones)} examples")
    return 0


def _votes(said: Mapping[str, list[Annotation]], decided: Decided, question: str) -> dict[str, int]:
    given = [answers_of(a).get(question) for a in said.get(decided.example_id, ())]
    return {str(value): count for value, count in Counter(given).most_common()}


def _ruling(
    settings: Settings, arguments: Namespace, annotations: Sequence[Annotation]
) -> Annotation:
    about = [a for a in annotations if a.example_id == arguments.example]
    if not about:
        raise ConfigError(f"--example {arguments.example}: nobody has annotated it")
    given = dict(part.partition("=")[::2] for part in arguments.answer or ())
    answers, problems = read_answers(given, settings.validate.annotation_categories)
    unknown = sorted(given.keys() - {q.name for q in QUESTIONS})
    problems += [f"no question is named {name}" for name in unknown]
    comment = arguments.comment or ""
    if problem := comment_problem(comment):
        problems.append(problem)
    if problems or not answers or not arguments.by:
        why = "; ".join(problems) or "give --answer QUESTION=VALUE and --by ALIAS"
        raise ConfigError(f"annotate adjudicate: {why}")
    now = datetime.now(UTC)
    key = annotator_key(arguments.by, settings.pipeline.secrets_dir)
    told = Given(
        where="--answer", example_id=arguments.example, annotator=key, answers=answers,
        comment=comment, at=now,
    )  # fmt: skip
    return annotation(
        settings, told, plan_id=about[0].plan_id, source="adjudication", key=key, is_gold=False,
        now=now,
    )  # fmt: skip


def _record(settings: Settings, ruling: Annotation, answers: Mapping[str, Any]) -> None:
    detail = {"by": ruling.annotator_key, "annotation_id": ruling.annotation_id, **answers}
    tell(settings, "adjudicated", ruling.example_id, detail)


def _low(found: Sequence[Agreement], name: str) -> str:
    return next(_number(a.low) for a in found if a.question == name)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
