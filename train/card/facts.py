"""Everything that the card of a run says, as JSON.

Reads `snapshots`, `validated_examples`, the adapter's manifest and the base's licence.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", for the questions; the model card
of the Hugging Face Hub for the fields.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from train.bases.licence import licence_of_folder
from train.card.energy import estimate_energy
from train.card.snapshot import describe_snapshot
from train.files import MANIFEST, base_folder

_ADDRESSES = {"mlflow_uri", "ray_address", "ray_jobs_url", "runs_dir", "checkpoints"}
"""Settings that say where and not how; an address may hold a password."""

INTENDED_USE = (
    "Answers to customers of the company whose conversations it learnt from, behind the gate and"
    " an A/B test, with people to turn to. Not meant for another company, for advice on health,"
    " law or money, or for decisions about people."
)
LIMITS = (
    "It may state as fact what is wrong or out of date: it learnt how people answered, not what is"
    " true today.",
    "What it learnt from was redacted by rules: personal data that no rule knows may be in its"
    " weights.",
    "Scores compare its words with one answer that helped; another good answer scores low.",
    "A slice of the test split with few conversations shows forgetting only when it is large.",
    "Energy and price are estimates: only the time was measured.",
)


def card_facts(
    settings: Settings,
    run: Run,
    evaluation: Evaluation | None,
    *,
    history: Sequence[Mapping[str, float]],
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """The facts of a run's card.

    Args:
        settings: those that the run was made with.
        run: its record.
        evaluation: its scores and verdict; None where there are none.
        history: metrics a report, each with `step` and `loss`.
        told: what the first worker told of packing, environment and dev, where it is known.
    """
    duration_s = (run.finished_at - run.started_at).total_seconds() + run.earlier_s
    return {
        "run_id": run.run_id,
        "pipeline": run.pipeline,
        "code_version": run.code_version,
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "finished_at": run.finished_at.isoformat(timespec="seconds"),
        "earlier_s": run.earlier_s,
        "base": _base(run),
        "data": {
            **describe_snapshot(settings.pipeline.lake, run.snapshot_id),
            "content_digest": run.content_digest,
            "packed": told.get("packed"),
        },
        "start": {key: run.settings.get(key) for key in ("start", "start_reason", "start_run")},
        "parameters": {k: v for k, v in run.settings.items() if k not in _ADDRESSES},
        "environment": {**(told.get("environment") or {}), "workers": settings.train.workers},
        "training": {
            "steps": run.steps,
            "best_step": told.get("best_step"),
            "dev_loss": told.get("dev_loss"),
            "loss": [[entry["step"], entry["loss"]] for entry in _sketch(history)],
        },
        "evaluation": None if evaluation is None else _judged(evaluation),
        "energy": asdict(estimate_energy(settings, duration_s=duration_s)),
        "intended_use": INTENDED_USE,
        "limits": list(LIMITS),
    }


def _base(run: Run) -> dict[str, Any]:
    """Name, revision, hashes and licence of the base; what is not known is null."""
    folder = base_folder(run.base_model)
    licence = licence_of_folder(folder) if folder is not None else None
    return {
        "name": run.base_model if folder is None else folder.name,
        "is_folder": folder is not None,
        "revision": None if folder is not None else run.settings.get("base_revision"),
        "sha256": run.settings.get("base_sha256") or None,
        **_manifest(run),
        "licence": licence.name or None if licence else None,
        "licence_terms": licence.terms if licence else "unknown",
        "licence_note": licence.note if licence else "see the base model's page on the hub",
    }


def _manifest(run: Run) -> dict[str, Any]:
    """Hashes of base, tokenizer and template as the adapter's manifest has them."""
    path = Path(unquote(urlparse(run.adapter_uri).path)) / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in manifest.items() if key != "base_model"}


def _judged(evaluation: Evaluation) -> dict[str, Any]:
    plain = asdict(evaluation)
    kept = ("examples", "scores", "verdict", "reasons", "shifts")
    at = evaluation.evaluated_at.isoformat(timespec="seconds")
    return {**{key: plain[key] for key in kept}, "evaluated_at": at}


def _sketch(history: Sequence[Mapping[str, float]], most: int = 12) -> list[Mapping[str, float]]:
    """At most `most` entries of a loss curve, evenly spaced, the first and the last among them."""
    if len(history) <= most:
        return list(history)
    return [history[round(i * (len(history) - 1) / (most - 1))] for i in range(most)]
