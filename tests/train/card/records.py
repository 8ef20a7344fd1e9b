"""Toy runs that have ended, with their adapters' folders, documents and snapshots."""

from dataclasses import asdict, replace
from pathlib import Path

from deskwheel import lake
from deskwheel.marks import Shift
from deskwheel.records import Evaluation, Run, Snapshot
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import SNAPSHOTS
from tests.train.rows import example, freeze, write_examples
from tests.validate.rows import NOON

LOSS = Shift(
    by="category", slice="BILLING", metric="rouge_l", conversations=60, mean=-0.2, low=-0.25,
    high=-0.15, p_loss=1e-9, is_loss=True,
)  # fmt: skip


def run_in(folder: Path, run_id: str = "run-1", **changes: object) -> Run:
    """A run of six minutes whose adapter lies in a folder's runs."""
    run = Run(
        run_id=run_id,
        pipeline="support",
        snapshot_id="snap-1",
        content_digest="d1",
        base_model="demo",
        adapter_uri=(folder / "runs" / run_id / "adapter").as_uri(),
        seed=7,
        steps=20,
        first_loss=3.0,
        last_loss=1.5,
        settings={
            "lr": "0.0002",
            "base_revision": "main",
            "mlflow_uri": "https://user:secret@host",
            "start": "retrain",
            "start_reason": "train.continual is retrain",
            "start_run": "",
        },
        started_at=NOON,
        finished_at=NOON.replace(minute=NOON.minute + 6),
        code_version="0.1.0",
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def evaluation_of(run: Run) -> Evaluation:
    """A held one, for a loss in one category."""
    return Evaluation(
        evaluation_id=f"eval-{run.run_id}",
        run_id=run.run_id,
        snapshot_id=run.snapshot_id,
        examples=60,
        scores={
            name: {"rouge_l": value, "nll": 1.0}
            for name, value in (("base", 0.1), ("champion", 0.4), ("challenger", 0.5))
        },
        verdict="HOLD",
        reasons=("forgotten in category BILLING",),
        evaluated_at=NOON,
        shifts=(LOSS,),
    )


def two_snapshots(settings: Settings) -> None:
    """`snap-1` of examples 0 to 5, `snap-2` of 3 to 8; each is alone in its conversation."""
    lake_dir = settings.pipeline.lake
    categories = ("SETUP", "BILLING")
    examples = [example(i, category=categories[i % 2]) for i in range(9)]
    version = write_examples(lake_dir, examples)
    snapshot = freeze(lake_dir, examples[:6], version=version)
    members = freeze(f"{lake_dir}-other", examples[3:], version=version).members
    second = replace(snapshot, snapshot_id="snap-2", members=members)
    lake.append(lake_dir, SNAPSHOTS, to_table([second], Snapshot))


def store_run(state: State, run: Run) -> None:
    """As a publication leaves it."""
    state.put("run", run.run_id, asdict(run))
    state.put("evaluation", f"eval-{run.run_id}", asdict(evaluation_of(run)))
