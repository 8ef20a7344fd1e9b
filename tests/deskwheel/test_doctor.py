import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel import doctor
from deskwheel.settings import KafkaSettings, Settings


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "✓ kafka access  PLAINTEXT at 127.0.0.1:9092"),
        ({"security": "SASL_SSL"}, "✗ kafka access  kafka.sasl_username is empty"),
        ({"security": "SSL", "tls_ca_file": "/none.pem"}, "/none.pem cannot be read"),
        (
            {
                "security": "SASL_SSL",
                "sasl_username": "desk",
                "sasl_password": "env:TOY_NOT_SET",
            },
            "✗ kafka access  kafka.sasl_password: env:TOY_NOT_SET",
        ),
    ],
)
def test_the_doctor_says_what_is_wrong_with_the_way_to_kafka(
    changes: dict[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka = replace(KafkaSettings(), **changes)  # type: ignore[arg-type]
    arguments = argparse.Namespace(home=str(tmp_path), json=False)
    doctor.run(replace(Settings(), kafka=kafka), arguments)
    assert says in capsys.readouterr().out
