from email.message import Message

import pytest

from transforms.parse.machine_mail import machine_sign

OWN = ("acme.example",)


def sign(
    subject: str = "A question", sender: str = "robin@example.com", **headers: str
) -> str | None:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return machine_sign(message, sender, subject, company_domains=OWN)


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("auto_reply", {"Auto_Submitted": "auto-replied (vacation)"}),
        ("auto_reply", {"Auto_Submitted": "auto-generated"}),
        ("auto_reply", {"Precedence": "auto_reply"}),
        ("auto_reply", {"X_Autoreply": "yes"}),
        ("auto_reply", {"X_POST_MessageClass": "9; Autoresponder"}),
        ("auto_reply", {"Content_Type": "text/calendar; method=REPLY"}),
        ("bounce", {"Content_Type": "multipart/report; report-type=delivery-status"}),
        ("bounce", {"Return_Path": "<>"}),
        ("auto_reply", {"X_Failed_Recipients": "robin@example.com"}),
        ("newsletter", {"List_Unsubscribe": "<https://shop.example/u>"}),
        ("newsletter", {"List_Id": "<news.shop.example>"}),
        ("newsletter", {"Precedence": "bulk"}),
        ("newsletter", {"Precedence": "list"}),
    ],
)
def test_headers_of_machines_are_signs(kind: str, headers: dict[str, str]) -> None:
    found = sign(**headers)
    assert found is not None
    assert found.startswith(f"{kind}: ")


def test_the_company_s_newsletter_is_one_and_its_answer_through_a_group_is_none() -> None:
    headers = {"List_Unsubscribe": "<https://acme.example/u>", "Precedence": "list"}
    assert sign(sender="news@acme.example", **headers)
    assert sign(sender="kim@acme.example", In_Reply_To="<1@example.com>", **headers) is None


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@mx.example.net", "postmaster@example.com"])
def test_the_mail_system_s_addresses_are_signs(sender: str) -> None:
    assert (sign(sender=sender) or "").startswith("bounce: ")


def test_bulk_senders_headers_count_from_an_unattended_address_only() -> None:
    assert sign(sender="no-reply@shop.example", Feedback_ID="1:2:3")
    assert sign(sender="noreply@shop.example", X_Auto_Response_Suppress="All")
    assert sign(sender="robin@example.com", Feedback_ID="1:2:3") is None
    assert sign(sender="robin@example.com", X_Auto_Response_Suppress="OOF") is None
    contact_form = {"Feedback_ID": "1:2:3", "Reply_To": "robin@example.com"}
    assert sign(sender="no-reply@shop.example", **contact_form) is None


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your request", "Out of Office", "Out of office: back on Monday",
        "Auto-Reply: hi", "Automatische Antwort: Frage", "Abwesenheitsnotiz: Acme",
        "Réponse automatique : Question", "Absence du bureau: x", "Respuesta automática: x",
        "Fuera de la oficina", "Resposta automática: x", "Risposta automatica: x",
        "Automatisch antwoord: x", "Afwezigheidsbericht: x", "Automatiskt svar: x",
        "Automatisk svar: x", "Automaattinen vastaus: x", "Odpowiedź automatyczna: x",
        "Автоответ: x", "自動応答: x", "自动回复: x", "자동 회신: x",
        "Undeliverable: Your request", "Undelivered Mail Returned to Sender",
        "Mail delivery failed: returning message to sender",
        "Delivery Status Notification (Failure)",
        "failure notice", "Unzustellbar: Frage", "Non remis : Question",
        "No se puede entregar el mensaje",
        "Onbestelbaar: vraag", "退信通知",
    ],
)  # fmt: skip
def test_subjects_that_only_mail_systems_write_are_signs(subject: str) -> None:
    assert sign(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic replies in my account do not work", "Re: Automatic reply: Your request",
        "Out of office chair parts", "Delivery failure of my parcel", "Undeliverable address?",
        "Why was my parcel returned", "AW: Abwesenheitsnotiz einrichten", "Order not delivered",
        "Absence of a manual", "",
    ],
)  # fmt: skip
def test_subjects_that_speak_of_machines_are_none(subject: str) -> None:
    assert sign(subject) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "no"},
        {"List_Id": "Support <support.acme.example>", "Precedence": "list"},
        {"List_Id": "<support.acme.example>", "List_Unsubscribe": "<mailto:x@acme.example>"},
        {"Return_Path": "<robin@example.com>"},
        {"X_Autoreply": "no"},
        {"Precedence": "first-class"},
    ],
)
def test_headers_that_a_person_s_mail_may_carry_are_none(headers: dict[str, str]) -> None:
    assert sign(**headers) is None
