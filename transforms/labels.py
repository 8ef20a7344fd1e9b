"""Verbs on what is learnt from labels: `python -m transforms resolution|tags …`."""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deskwheel.settings import Settings
from transforms import tags
from transforms.resolution import estimate, fit
from transforms.resolution.fit import Labelled, Quality
from transforms.tags.labelled import evaluate, read_texts, split_off
from transforms.tags.linear import shipped, train
from transforms.tags.moods import mark_negations, mood
from transforms.tags.words import weak_category


def resolution_verb(_settings: Settings, arguments: Namespace) -> int:
    """Fit the weights of the resolution signs, or say how well those of the release predict."""
    labelled = fit.read_labelled(Path(arguments.file))
    if arguments.action == "fit":
        return _fit(labelled, arguments)
    weights = estimate.learned_weights()
    quality = fit.quality([estimate.probability(row.signs, weights) for row in labelled], labelled)
    _show(quality, arguments, {})
    return 0


def _fit(labelled: list[Labelled], arguments: Namespace) -> int:
    weights = fit.fit(labelled)
    quality = fit.quality(fit.cross_validated(labelled), labelled)
    if arguments.out:
        text = {
            "fitted_on": arguments.about or f"{len(labelled)} labelled conversations",
            "ridge": fit.RIDGE,
            "weights": weights,
        }
        Path(arguments.out).write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
    _show(quality, arguments, weights)
    return 0


def _show(quality: Quality, arguments: Namespace, weights: dict[str, float]) -> None:
    if arguments.json:
        print(json.dumps({**asdict(quality), "weights": weights}))
        return
    console = Console()
    if weights:
        table = Table("sign", "log-odds")
        for sign, weight in weights.items():
            table.add_row(sign, f"{weight:+.2f}")
        console.print(table)
    table = Table("predicted", "conversations", "mean p", "resolved in truth")
    for row in quality.reliability:
        table.add_row(row.range, str(row.count), f"{row.mean_p:.2f}", f"{row.share_resolved:.2f}")
    console.print(table)
    console.print(
        f"{quality.conversations} conversations: precision {quality.precision:.3f}, recall"
        f" {quality.recall:.3f} from p ≥ {estimate.RESOLVED_FROM}; abstained on"
        f" {quality.undecided}; Brier score {quality.brier:.4f}"
        f" (always the base rate: {quality.brier_base_rate:.4f})"
    )


def tags_verb(settings: Settings, arguments: Namespace) -> int:
    """Train a tagger, judged on a tenth that it did not see, or judge the one in use."""
    is_mood = arguments.tag == "sentiment"
    texts, labels = read_texts(
        [Path(name) for name in arguments.files],
        text=arguments.text,
        label=arguments.label,
        weak=mood if is_mood else weak_category,
    )
    if is_mood:
        texts = [mark_negations(text) for text in texts]
    if arguments.action == "evaluate":
        tagger = (
            shipped("sentiment") if is_mood else tags.tagger(settings.transforms.category_model)
        )
        judged = evaluate(tagger, texts, labels)
    else:
        seen, held_out = split_off(texts)
        part = train([texts[i] for i in seen], [labels[i] for i in seen])
        judged = evaluate(part, [texts[i] for i in held_out], [labels[i] for i in held_out])
        if arguments.out:
            train(texts, labels).save(Path(arguments.out))
    if arguments.json:
        print(json.dumps(asdict(judged)))
        return 0
    table = Table(arguments.tag, "texts", "precision", "recall", "F1")
    for row in judged.labels:
        table.add_row(
            row.label, str(row.count), f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}"
        )
    Console().print(table)
    print(
        f"{judged.texts} texts: accuracy {judged.accuracy:.3f}, macro-F1 {judged.macro_f1:.3f}"
        f" (always {judged.majority_label}: accuracy {judged.majority_accuracy:.3f}),"
        f" unsure about {judged.unsure}"
    )
    return 0
