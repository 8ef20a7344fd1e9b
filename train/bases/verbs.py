"""Verb `bases`: compare base models on our own texts."""

import argparse
import sys

from rich.console import Console

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from train.bases.comparison import compare_rows, dump
from train.bases.evidence import keep_evidence
from train.bases.law import LEAST_SIZES
from train.bases.plan import Plan
from train.bases.plot import curves_picture
from train.bases.run import measure_candidate
from train.bases.table import print_comparison
from train.bases.texts import Texts, texts_of_file, texts_of_snapshot

_ANSWERS = 40
"""Most held-out examples that are answered: generation costs a hundred times the likelihood."""

_SHOTS = 3
_CLASSES = ("permissive", "restricted", "unknown")


def compare(settings: Settings, arguments: argparse.Namespace) -> int:
    """`python -m train bases compare`; status 1 when no candidate was measured to the end."""
    names = _listed(arguments.candidates, "--candidates")
    plan = _plan(settings, arguments)
    allowed = _listed(arguments.licences, "--licences")
    wrong = sorted(set(allowed) - set(_CLASSES))
    if wrong:
        raise ConfigError(f"--licences {wrong[0]}: not one of {', '.join(_CLASSES)}")
    texts = _texts(settings, arguments, plan)
    sizes = plan.sizes_for(len(texts.train))
    if len(sizes) < LEAST_SIZES:
        _say(
            f"{len(texts.train)} train examples allow the sizes {list(sizes)}, and a prediction"
            f" needs {LEAST_SIZES}: there will be none; name smaller --sizes or bring more examples"
        )
    rows = [measure_candidate(name, settings.train, plan, texts, progress=_say) for name in names]
    full_size = arguments.full_size or texts.train_size
    comparison = compare_rows(rows, texts, full_size=full_size, allowed=allowed)
    has_found = not all(row.problem for row in rows)
    if arguments.plot:
        arguments.plot.parent.mkdir(parents=True, exist_ok=True)
        arguments.plot.write_text(curves_picture(comparison), encoding="utf-8")
    if arguments.json:
        print(dump(comparison))
    else:
        # A table that is cut off at 80 columns would lose numbers where nobody looks at them.
        is_terminal = sys.stdout.isatty()
        print_comparison(comparison, Console(width=None if is_terminal else 200))
    if has_found:
        _say(f"kept in {keep_evidence(settings, comparison)}")
    return int(not has_found)


def _plan(settings: Settings, arguments: argparse.Namespace) -> Plan:
    try:
        sizes = tuple(sorted({int(size) for size in _listed(arguments.sizes, "--sizes")}))
    except ValueError as error:
        raise ConfigError(f"--sizes {arguments.sizes!r}: {error}; write 64,128,256,512") from error
    numbers = {
        "--sizes": sizes[0],
        "--steps": arguments.steps,
        "--examples": arguments.examples,
        "--full-size": arguments.full_size or 1,
        "--timeout-s": arguments.timeout_s,
    }
    for option, number in numbers.items():
        if number <= 0:
            raise ConfigError(f"{option} must be above 0, got {number}")
    return Plan(
        sizes=sizes,
        steps=arguments.steps,
        examples=arguments.examples,
        answers=min(arguments.examples, _ANSWERS),
        shots=_SHOTS,
        max_new_tokens=settings.gate.max_new_tokens,
        timeout_s=arguments.timeout_s,
    )


def _texts(settings: Settings, arguments: argparse.Namespace, plan: Plan) -> Texts:
    most = max(plan.sizes)
    if (arguments.snapshot is None) == (arguments.data is None):
        raise ConfigError(
            "`bases compare` takes the texts either of --snapshot ID (see `python -m validate"
            " snapshot list`) or of --data FILE, JSON lines with `query` and `response`"
        )
    if arguments.data is not None:
        return texts_of_file(arguments.data, train=most, held_out=plan.examples)
    lake_dir = settings.pipeline.lake
    return texts_of_snapshot(lake_dir, arguments.snapshot, train=most, held_out=plan.examples)


def _listed(text: str, option: str) -> list[str]:
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise ConfigError(f"{option} {text!r} names nothing; write names with commas between")
    return found


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
