from dataclasses import replace

import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings
from train.finetune import precision
from train.finetune.precision import choose_precision

PLAIN = TrainSettings()


def test_a_named_precision_is_taken() -> None:
    assert choose_precision(replace(PLAIN, precision="fp32")) == "fp32"
    assert choose_precision(replace(PLAIN, precision="bf16")) == "bf16"


def test_one_that_the_device_has_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="cpu has"):
        choose_precision(replace(PLAIN, precision="fp16"))


@pytest.mark.parametrize(
    ("gain", "error", "expected"),
    [(1e-9, 1.0, "bf16"), (1e9, 1.0, "fp32"), (1e-9, 0.0, "fp32")],
)
def test_fewer_bits_must_be_faster_and_sound(
    monkeypatch: pytest.MonkeyPatch, gain: float, error: float, expected: str
) -> None:
    monkeypatch.setattr(precision, "_GAIN", gain)
    monkeypatch.setattr(precision, "_MOST_ERROR", error)
    assert choose_precision(PLAIN) == expected
