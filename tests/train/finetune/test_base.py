from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import BaseModelError
from deskwheel.settings import TrainSettings
from train.finetune.base import base_sha256, check_base


def test_a_base_of_the_named_digest_passes(settings: TrainSettings, tiny_base: Path) -> None:
    check_base(settings)
    check_base(replace(settings, base_sha256=base_sha256(tiny_base)))


def test_another_base_is_refused_and_both_digests_named(
    settings: TrainSettings, tiny_base: Path
) -> None:
    with pytest.raises(BaseModelError, match=f"is {base_sha256(tiny_base)}, .* names {'0' * 64}"):
        check_base(replace(settings, base_sha256="0" * 64))


def test_one_byte_makes_another_base(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    before = base_sha256(tmp_path)
    (tmp_path / "README.md").write_text("not part of it")
    assert base_sha256(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"weightt")
    assert base_sha256(tmp_path) != before
