"""A search from its data to its trials' losses, on a cluster or on a private Ray.

Reads a snapshot, or a file of chats; writes the packed snapshot and the state document `tuned`.
"""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ray

from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.settings import Settings
from train.finetune.packed import read_index
from train.tune.kept import Search, Trial, missing
from train.tune.search import Budget, Tell, run_search
from train.tune.space import recipe_of
from train.tune.wanted import Wanted
from train.workers.cluster import connected
from train.workers.job import job_config, pack_data


def search_settings(settings: Settings, wanted: Wanted, known: Search | None) -> Search:
    """The search that is wanted, after its missing trials were run.

    Args:
        settings: of the pipeline.
        wanted: what to try, on what.
        known: what an earlier call has left; trials of the same recipe are not repeated.

    Raises:
        SnapshotError: there is nothing to train on, or nothing in dev.
        ConfigError: a trial asks for more than this machine has.
    """
    # A private Ray is as large as the workers of a run; here trials take their place.
    room = replace(settings, train=replace(settings.train, workers=settings.tune.parallel))
    with connected(room):
        budget = _budget(settings)
        job = job_config(
            settings,
            snapshot_id=wanted.empty.snapshot_id,
            champion_dir=None,
            data_file=wanted.data_file,
        )
        job["packed"] = pack_data(job)
        sequences = _sequences(Path(job["packed"]))
        return run_search(
            _begun(settings, wanted, known, sequences=sequences),
            partial(_train, job),
            budget=budget,
            state_url=settings.pipeline.state_url,
            storage=Path(settings.train.runs_dir).resolve() / "tune",
        )


def _begun(settings: Settings, wanted: Wanted, known: Search | None, *, sequences: int) -> Search:
    """The search with a trial for each proposal, those that are missing `running`."""
    empty = wanted.empty
    trials = dict(known.trials) if known is not None and known.recipe == empty.recipe else {}
    for proposal in missing(known, wanted.proposals, recipe=empty.recipe):
        recipe = recipe_of(proposal, settings, sequences=sequences)
        trials[proposal.number] = Trial(proposal=proposal, recipe=recipe)
    return replace(empty, trials=dict(sorted(trials.items())))


def _budget(settings: Settings) -> Budget:
    tune, jobs = settings.tune, settings.jobs
    gpus = jobs.gpus_per_worker if settings.train.use_gpu else 0.0
    there = ray.cluster_resources().get("GPU", 0.0)
    if not settings.train.ray_address and gpus > there:
        raise ConfigError(
            f"a trial takes jobs.gpus_per_worker={gpus:g} GPUs, and this machine has {there:g};"
            " set train.use_gpu=false, or train.ray_address to a cluster that has them"
        )
    return Budget(
        parallel=tune.parallel,
        grace_share=tune.grace_share,
        reduction=tune.reduction,
        cpus=jobs.cpus_per_worker,
        gpus=gpus,
    )


def _sequences(packed: Path) -> int:
    """Packed sequences of train; dev must have some as well, or no trial could be judged."""
    about = read_index(packed)["about"]
    if not about["dev"]["sequences"]:
        raise SnapshotError(
            "the split dev has no example that fits, and trials are judged by it; freeze a larger"
            " snapshot, or name `split` in the rows of the file"
        )
    return int(about["train"]["sequences"])


def _train(job: Mapping[str, Any], order: Mapping[str, Any], tell: Tell) -> None:
    """In a worker: the trainer is loaded only there."""
    importlib.import_module("train.tune.trial").train_trial(job, order, tell)
