import pytest

from tests.transforms.trim.told import cut_text
from transforms.trim import trim

OWN = "My order 12345 is late."

DISCLAIMERS = [
    "This e-mail and any attachments are confidential and intended for the addressee.",
    "If you are not the intended recipient, please delete it.",
    "Please consider the environment before printing this e-mail.",
    "CONFIDENTIALITY NOTICE: the contents are privileged.",
    "Diese E-Mail enthält vertrauliche Informationen.",
    "Wenn Sie nicht der richtige Adressat sind, löschen Sie sie bitte.",
    "Ce message est confidentiel.",
    "Pensez à l'environnement avant d'imprimer.",
    "Este mensaje es confidencial y va dirigido a su destinatario.",
    "Esta mensagem é confidencial.",
    "Le informazioni contenute in questo messaggio sono riservate.",
    "Dit bericht is vertrouwelijk.",
    "本邮件含有保密信息。",
]


@pytest.mark.parametrize("text", DISCLAIMERS)
def test_a_disclaimer_goes_with_what_stands_below_it(text: str) -> None:
    found = trim(f"{OWN}\n\n{text}\n\nAcme Ltd, registered somewhere")
    assert found.text().strip() == OWN
    assert cut_text(found, "disclaimer").startswith(text)


def test_a_warning_above_the_mail_goes_alone() -> None:
    banner = "CAUTION: This email originated from outside of the company.\nDo not click."
    assert trim(f"{banner}\n\n{OWN}\n\nIs it lost?").text().strip() == f"{OWN}\n\nIs it lost?"


@pytest.mark.parametrize(
    "text",
    [
        "Is this email confidential?",
        "I want to know whether you treat it as confidential.\n\nPlease tell me.",
        "Hello,\n\nyour shop told me at length on the phone that I must delete a mail for its"
        " text, this email is confidential and so on. Why?",
    ],
)
def test_talk_about_confidence_stays(text: str) -> None:
    assert trim(text).text(keep=("greeting",)).strip() == text
