import json
from pathlib import Path

import pytest

from benchmarks import train_gpu


def test_a_smoke_run_goes_every_way_by_the_engine_of_real_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "claims.json"
    assert train_gpu.main(["--smoke", "--json", str(kept)]) == 0
    found = {claim["id"]: claim["value"] for claim in json.loads(kept.read_text())["claims"]}
    assert all(found[f"train_gpu.{way}.tokens_per_s"] > 0 for way in ("full", "packed", "plain"))
    assert "answered: " in capsys.readouterr().out
