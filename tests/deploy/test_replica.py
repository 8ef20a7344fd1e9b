from dataclasses import replace
from pathlib import Path

import pytest

from deploy.replica import application
from deskwheel.settings import Settings


@pytest.mark.parametrize(
    ("use_gpu", "num_gpus", "expected"),
    [
        (False, 0.5, {"num_cpus": 0.5}),
        (True, 1.0, {"num_cpus": 0.5, "num_gpus": 1.0}),
        (True, 0.5, {"num_cpus": 0.5, "num_gpus": 0.5}),
    ],
)
def test_a_replica_reserves_what_the_settings_say(
    use_gpu: bool, num_gpus: float, expected: dict[str, float]
) -> None:
    plain = Settings()
    settings = replace(
        plain,
        train=replace(plain.train, use_gpu=use_gpu),
        serve=replace(plain.serve, num_gpus=num_gpus),
    )
    made = application(settings, Path("."))
    assert made._bound_deployment.ray_actor_options == expected  # noqa: SLF001  no public way
