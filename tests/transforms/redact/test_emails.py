import pytest

from transforms.redact import Context, redact

OURS = Context(company_domains=("acme.example",))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to toy_88 at gmail please", "write to <EMAIL> please"),
        ("it is oksana.toy at hotmail com", "it is <EMAIL>"),
        ("oksana88@gmail", "<EMAIL>"),
        ("use toyah@example-mail, thanks", "use <EMAIL>, thanks"),
        ("toy88 arroba gmail", "<EMAIL>"),
    ],
)
def test_an_address_without_its_end_is_found(text: str, masked: str) -> None:
    assert redact(text, OURS)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "look at gmail",
        "I signed up at yahoo",
        "e.g. at outlook",
        "write to help@acme",
        "2@5 or 3 @ 10",
        "follow @toyfan",
    ],
)
def test_hosts_and_own_addresses_stay(text: str) -> None:
    assert redact(text, OURS) == (text, {})
