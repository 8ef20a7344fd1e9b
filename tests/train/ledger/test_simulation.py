"""The ledger under interleavings of crash, pause, clock jump, double start and zombie."""

from collections.abc import Iterator

import pytest

from tests.train.ledger.simulation import Simulation, simulation

SAMPLE = 100
ALL = 10_000


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulation]:
    with simulation() as made:
        yield made


def test_the_laws_hold_in_a_sample_of_interleavings(simulated: Simulation) -> None:
    for seed in range(SAMPLE):
        simulated.run(seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_laws_hold_in_ten_thousand_interleavings(simulated: Simulation) -> None:
    for seed in range(SAMPLE, ALL):
        simulated.run(seed)
