from typing import Any

import pytest
import torch

from train.finetune.fused import open_kernels
from train.finetune.lean import LeanLlama, lay_out
from train.finetune.operations import Operations
from train.finetune.packed import Example


@pytest.fixture
def kernels() -> Operations:
    by = open_kernels(torch.bfloat16)
    if by is None:
        pytest.skip("no C compiler")
    return by


def gradient(
    model: Any, examples: list[Example], dtype: torch.dtype, by: Operations | None = None
) -> tuple[float, torch.Tensor]:
    lean = LeanLlama(model, dtype=dtype, operations=by)
    lean.merge()
    loss, found = lean.gradient(lay_out(examples))
    return loss, torch.cat([part.flatten() for part in found])


def test_a_pass_by_kernels_is_as_near_to_float32_as_one_by_pytorch(
    model: Any, examples: list[Example], kernels: Operations
) -> None:
    wanted_loss, wanted = gradient(model, examples, torch.float32)
    errors = []
    for by in (None, kernels):
        loss, found = gradient(model, examples, torch.bfloat16, by)
        assert loss == pytest.approx(wanted_loss, rel=0.01)
        errors.append(float((found - wanted).norm() / wanted.norm()))
    assert errors[1] < 1.5 * errors[0]


def test_a_pass_by_kernels_is_repeated_bit_by_bit(
    model: Any, examples: list[Example], kernels: Operations
) -> None:
    (loss, one), (again, other) = (
        gradient(model, examples, torch.bfloat16, kernels) for _ in range(2)
    )
    assert loss == again
    assert torch.equal(one, other)


def test_kernels_are_for_bfloat16_alone() -> None:
    assert open_kernels(torch.float32) is None


def test_rows_with_gaps_are_refused(kernels: Operations) -> None:
    with pytest.raises(AssertionError):
        kernels.swiglu(torch.zeros(4, 64, dtype=torch.bfloat16)[:, :32])
