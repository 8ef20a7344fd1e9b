import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.redact.checksums import is_card_number, is_iban_valid, is_luhn_valid


@pytest.mark.parametrize(
    ("number", "is_valid"),
    [("4111111111111111", True), ("4111111111111112", False), ("79927398713", True),
     ("79927398710", False), ("5555 5555 5555 4444", True)],
)  # fmt: skip
def test_luhn(number: str, is_valid: bool) -> None:
    assert is_luhn_valid(number) is is_valid


@given(st.text("0123456789", min_size=12, max_size=18))
def test_of_ten_last_digits_exactly_one_passes_luhn(digits: str) -> None:
    assert sum(is_luhn_valid(digits + last) for last in "0123456789") == 1


@pytest.mark.parametrize(
    ("number", "is_valid"),
    [("DE89 3704 0044 0532 0130 00", True), ("DE98 3704 0044 0532 0130 00", False),
     ("FR14 2004 1010 0505 0001 3M02 606", True), ("gb82west12345698765432", True)],
)  # fmt: skip
def test_iban(number: str, is_valid: bool) -> None:
    assert is_iban_valid(number) is is_valid


@pytest.mark.parametrize(
    ("number", "is_valid"),
    [("378282246310005", True), ("30569309025904", True), ("6011111111111117", True),
     ("2223003122003222", True), ("2131000000000008", False), ("1111111111111117", False),
     ("411111111111111", False)],
)  # fmt: skip
def test_a_card_has_the_prefix_and_length_of_a_network(number: str, is_valid: bool) -> None:
    assert is_card_number(number) is is_valid
