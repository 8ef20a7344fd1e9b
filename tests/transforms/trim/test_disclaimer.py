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
    "Virus-free. www.scanner.example",
    "Virenfrei.www.scanner.example",
    "Sans virus. www.scanner.example",
    "This e-mail has been scanned by a toy scanner.",
    "Der Inhalt dieser E-Mail ist vertraulich.",
    "As informações contidas nesta mensagem são confidenciais.",
    "De informatie in dit bericht is vertrouwelijk.",
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
        "I changed the cartridge before printing.\nIt still fails.",
        "Diese E-Mail wurde von meinem Virenscanner gelöscht.\nBitte noch einmal.",
        "La información contenida en este correo es incorrecta.\nPor favor, corrija.",
        "Please reply to this email directly.\nI have no phone.",
        "I want to know whether you treat it as confidential.\n\nPlease tell me.",
        "Hello,\n\nyour shop told me at length on the phone that I must delete a mail for its"
        " text, this email is confidential and so on. Why?",
    ],
)
def test_talk_about_confidence_stays(text: str) -> None:
    assert trim(text).text(keep=("greeting",)).strip() == text


@pytest.mark.parametrize(
    "note",
    [
        "Is it necessary to print this e-mail? Trees will thank you.",
        "Be green: this message can be read without printing it.",
        "Muss diese Nachricht ausgedruckt werden? Der Umwelt zuliebe nicht.",
        "Merci de n'imprimer ce courriel que si c'est vraiment nécessaire.",
        "Imprima este correo solo si es necesario: cuide los árboles.",
        "Stampate questo messaggio solo se necessario.",
        "Moet u dit bericht afdrukken? Spaar bomen.",
    ],
)
def test_a_note_against_printing_goes_and_frees_the_signature_above(note: str) -> None:
    assert trim(f"{OWN}\n\nKind regards,\nRobin\n\n{note}").text().strip() == OWN


@pytest.mark.parametrize(
    "text",
    [
        "It is about the printer.\n\nI need to print this page on green paper.",
        "The label is cut off.\n\nWhen we print this document, only half the paper is used.",
        "Does this message print on your side? The paper is white.",
        "One more thing.\n\nPlease print the label on thick paper.",
    ],
)
def test_talk_about_printing_stays(text: str) -> None:
    assert trim(text).text().strip() == text


def test_the_commonest_english_notice_goes() -> None:
    note = "The content is intended solely for the individual to whom it is addressed."
    assert trim(f"{OWN}\n\n{note}").text().strip() == OWN


@pytest.mark.parametrize(
    "line",
    [
        "Toy Kettles Ltd, registered in Scotland, company number 123.",
        "Disclaimer: no kettle is promised.",
        "We accept no liability for loss caused by this e-mail.",
        "Any opinions are those of the author alone.",
    ],
)
def test_what_a_company_says_of_itself_goes(line: str) -> None:
    assert trim(f"It works.\n\n{line}").text().strip() == "It works."
