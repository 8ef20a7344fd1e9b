import json
from pathlib import Path

from tests.train.rows import quick, settings_in
from train.finetune.prepare import prepare_snapshot, read_data
from train.tune.trial import train_trial
from train.workers.job import data_of, job_config


def test_a_trial_tells_each_look_at_dev_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    rows = [
        {
            "prompt": f"How do I reset lamp {number}?",
            "completion": "Switch it on and off.",
            "split": ("test", "dev", "train", "train")[number % 4],
        }
        for number in range(16)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    settings = settings_in(tmp_path, **vars(quick(engine="fast", precision="fp32")))
    job = job_config(settings, snapshot_id="file", champion_dir=None, data_file=file)
    job["nice"] = 0
    data = read_data(**data_of(job))
    folder = prepare_snapshot(data, settings.train, runs_dir=tmp_path / "runs")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    recipe = {"lr": 1e-2, "steps": 6, "checkpoint_steps": 2, "patience": 9, "global_batch": 1}
    looks: list[tuple[int, float]] = []
    train_trial(
        {**job, "packed": str(folder)},
        {"recipe": recipe, "scratch": str(scratch)},
        lambda step, loss: looks.append((step, loss)),
    )
    assert [step for step, _ in looks] == [2, 4, 6]
    assert looks[-1][1] < looks[0][1]
    assert not list(scratch.iterdir())
