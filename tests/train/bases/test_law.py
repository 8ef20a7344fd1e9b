import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskwheel.errors import ConfigError
from train.bases.law import LEAST_SIZES, Law, fit_law, predict, resample, to_plain

TRUE = Law(b=8.0, d_l=6.0, beta=0.45, e=0.7)
SIZES = [2**n for n in range(4, 15)]


def points(law: Law, sizes: list[int]) -> list[tuple[float, float]]:
    return [(size, law.loss(size)) for size in sizes]


def test_a_fit_recovers_the_parameters_of_its_points() -> None:
    found = fit_law(points(TRUE, SIZES))
    assert found.beta == pytest.approx(TRUE.beta, rel=0.02)
    assert found.e == pytest.approx(TRUE.e, rel=0.02)
    assert found.b == pytest.approx(TRUE.b, rel=0.05)
    assert found.d_l == pytest.approx(TRUE.d_l, rel=0.05)


@given(
    beta=st.floats(0.2, 1.0),
    d_l=st.floats(1.0, 60.0),
    floor=st.floats(0.2, 1.5),
    height=st.floats(0.5, 3.0),
)
@settings(max_examples=10, deadline=None)
def test_a_fit_predicts_four_times_the_largest_size(
    beta: float, d_l: float, floor: float, height: float
) -> None:
    law = Law(b=height * d_l, d_l=d_l, beta=beta, e=floor)
    found = fit_law(points(law, [64, 128, 256, 512]))
    assert found.loss(2048) == pytest.approx(law.loss(2048), rel=0.03)


def test_a_curve_begins_flat_where_much_was_learnt_before() -> None:
    law = Law(b=1000.0, d_l=500.0, beta=0.5, e=0.5)
    assert law.loss(16) - law.loss(64) < 0.05 * law.loss(16)


def test_one_wild_point_moves_a_fit_little() -> None:
    wild = [(size, loss * (1.3 if size == 256 else 1)) for size, loss in points(TRUE, SIZES)]
    assert fit_law(wild).loss(100_000) == pytest.approx(TRUE.loss(100_000), rel=0.05)


def test_a_flat_curve_is_predicted_flat() -> None:
    flat = [(64, 2.0), (128, 2.0), (256, 2.0), (512, 2.0)]
    assert fit_law(flat).loss(2048) == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("sizes", [[], [64], [64, 128, 256], [64, 64, 128, 256], [0, 64, 128, 256]])
def test_too_few_sizes_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ConfigError, match=f"needs as many sizes.*--sizes|{LEAST_SIZES} param"):
        fit_law([(size, 1.0) for size in sizes])


@pytest.mark.parametrize("loss", [0.0, -1.0, math.nan, math.inf])
def test_a_loss_that_is_no_positive_number_is_refused(loss: float) -> None:
    with pytest.raises(ConfigError, match="positive number"):
        fit_law([(64, 2.0), (128, 1.9), (256, loss), (512, 1.7)])


def test_a_prediction_is_surer_with_more_sizes_and_less_noise() -> None:
    def margin(sizes: list[int], noise: float) -> float:
        noisy = [
            (s, loss * (1 + noise * (-1) ** n)) for n, (s, loss) in enumerate(points(TRUE, sizes))
        ]
        return predict(noisy, 20_000).margin

    assert margin(SIZES, 0.01) < margin([64, 128, 256, 512], 0.01)
    assert margin(SIZES, 0.002) < margin(SIZES, 0.02)


def test_draws_of_held_out_examples_widen_a_prediction() -> None:
    exact = points(TRUE, SIZES)
    drawn = [[loss * factor for _, loss in exact] for factor in (0.9, 1.0, 1.1)]
    found = predict(exact, 20_000, resampled=drawn)
    assert len(found.draws) == 3
    assert found.margin > predict(exact, 20_000).margin
    assert to_plain(found)["examples"] == 20_000


def test_resampled_losses_are_the_same_draw_at_each_size() -> None:
    nll = {64: [1.0, 2.0, 3.0], 128: [2.0, 4.0, 6.0]}
    draws = resample(nll, [10, 10, 10], draws=20, seed=1)
    assert all(second == pytest.approx(2 * first) for first, second in draws)
    assert len({first for first, _ in draws}) > 1
    assert draws == resample(nll, [10, 10, 10], draws=20, seed=1)
