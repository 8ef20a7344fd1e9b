from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from ingest.gateway.refusal import Refusal
from ingest.gateway.tenants import Quota, Tenants, read_tenants


def with_file(settings: Settings, path: Path, text: str) -> Settings:
    path.write_text(text)
    return replace(settings, gateway=replace(settings.gateway, tokens_file=str(path)))


def test_tokens_come_from_where_the_file_says(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_TOKEN", "one")
    monkeypatch.setenv("TOY_NEXT", "three")
    (tmp_path / "token").write_text("two\n")
    text = (
        f'[tokens]\nacme = "env:TOY_TOKEN"\nother = ["file:{tmp_path / "token"}", "env:TOY_NEXT"]\n'
    )
    tenants = read_tenants(with_file(settings, tmp_path / "tokens.toml", text))
    assert tenants.tenant_of("Bearer one") == "acme"
    assert tenants.tenant_of("bearer  two ") == "other"
    assert tenants.tenant_of("Bearer three") == "other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write"),
        ("[tokens", "cannot be read"),
        ('[tokens]\nacme = "toy"\n', "not the secret itself"),
        ('[tokens]\na = "env:TOY_TOKEN"\nb = "env:TOY_TOKEN"\n', "same token"),
    ],
)
def test_a_wrong_tokens_file_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("TOY_TOKEN", "one")
    with pytest.raises(ConfigError, match=said) as error:
        read_tenants(with_file(settings, tmp_path / "tokens.toml", text))
    assert "tokens.toml" in str(error.value)


def test_a_token_with_a_lone_surrogate_is_nobodys() -> None:
    with pytest.raises(Refusal):
        Tenants({"toy": "acme"}).tenant_of("Bearer \ud800")


def test_a_large_batch_is_paid_off_afterwards() -> None:
    clock = [0.0]
    quota = Quota(10.0, lambda: clock[0])
    quota.spend("acme", 50)
    with pytest.raises(Refusal) as refused:
        quota.spend("acme", 1)
    assert refused.value.retry_after_s == pytest.approx(4.1)
    clock[0] = 4.2
    quota.spend("acme", 1)


def test_no_rate_is_no_limit() -> None:
    quota = Quota(0.0, lambda: 0.0)
    for _ in range(1000):
        quota.spend("acme", 1000)
