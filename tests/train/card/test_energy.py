from dataclasses import replace

import pytest

from deskwheel.settings import Settings, TrainSettings
from train.card.energy import estimate_energy


def settings(**train: object) -> Settings:
    return replace(Settings(), train=replace(TrainSettings(), **train))


def test_the_estimate_is_hours_by_workers_by_watts_by_pue() -> None:
    chosen = settings(workers=4, watts=300.0, pue=1.1, price_per_hour=2.5)
    found = estimate_energy(chosen, duration_s=1800)
    assert found.device_hours == 2
    assert found.kwh == pytest.approx(0.66)
    assert found.price == 5
    assert found.are_watts_set


def test_without_watts_a_usual_value_is_taken_and_said() -> None:
    found = estimate_energy(settings(threads=2, pue=1.0), duration_s=3600)
    assert (found.watts, found.are_watts_set) == (24, False)
    assert estimate_energy(settings(use_gpu=True), duration_s=3600).watts == 200


def test_without_a_price_none_is_made_up() -> None:
    assert estimate_energy(settings(), duration_s=3600).price is None
