import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.trim.told import cut_text
from transforms.trim import trim
from transforms.trim.quote import _is_drawn

OWN = "It is 12345."
QUOTED = "Which number is it?\n\nBest regards,\nThe other one"
ADDRESS = "Robin Toy <robin@example.com>"

ATTRIBUTIONS = [
    f"On Mon, Mar 2, 2026 at 10:00 AM {ADDRESS} wrote:",
    f"On 2 Mar 2026, at 10:00\u202fAM, {ADDRESS} wrote:",
    "On 02/03/2026 10:00, Robin Toy wrote:",
    "On Nov 26, 2026 you wrote:",
    f"On Monday, March 2, 2026, 10:00:00 AM GMT+1, {ADDRESS} wrote:",
    f"Am Mo., 2. März 2026 um 10:00 Uhr schrieb {ADDRESS}:",
    "Am 02.03.26 um 10:00 schrieb Robin Toy:",
    f"Le lun. 2 mars 2026 à 10:00, {ADDRESS} a écrit :",
    "El lun, 2 mar 2026 a las 10:00, Robin Toy (<robin@example.com>) escribió:",
    f"Em seg., 2 de mar. de 2026 às 10:00, {ADDRESS} escreveu:",
    f"Il giorno lun 2 mar 2026 alle ore 10:00 {ADDRESS} ha scritto:",
    f"Op ma 2 mrt 2026 om 10:00 schreef {ADDRESS}:",
    f"Op 2 mrt. 2026 om 10:00 heeft {ADDRESS} het volgende geschreven:",
    f"Den man. 2. mar. 2026 kl. 10.00 skrev {ADDRESS}:",
    f"ma 2. maalisk. 2026 klo 10.00 {ADDRESS} kirjoitti:",
    f"pon., 2 mar 2026 o 10:00 {ADDRESS} napisał(a):",
    f"po 2. 3. 2026 v 10:00 odesílatel {ADDRESS} napsal:",
    f"{ADDRESS} ezt írta (időpont: 2026. márc. 2., H, 10:00):",
    f"пн, 2 мар. 2026 г. в 10:00, {ADDRESS}:",
    f"2026年3月2日(月) 10:00 {ADDRESS}:",
    f"{ADDRESS} 于2026年3月2日周一 10:00写道：",
    f"2026년 3월 2일 (월) 오전 10:00, {ADDRESS}님이 작성:",
    f"Στις Δευ, 2 Μαρ 2026 στις 10:00 π.μ., ο χρήστης {ADDRESS} έγραψε:",
    f"---- On Mon, 02 Mar 2026 10:00:00 +0100 {ADDRESS} wrote ----",
    '02.03.2026, 10:00, "Robin Toy" <robin@example.com>:',
    f"Quoting {ADDRESS}:",
    # As mail programs wrap them.
    "On Mon, Mar 2, 2026 at 10:00 AM Robin Toy of Nowhere <\nrobin@example.com> wrote:",
    f"On 2 Mar 2026,\nat 10:00,\n{ADDRESS} wrote:",
    "Den mån 2 mars 2026 kl 10:00 skrev Robin Toy <robin@example.com\n>:",
    f"Le lun. 2 mars 2026 à 10:00, {ADDRESS} a\nécrit :",
]

BLOCKS = [
    f"From: {ADDRESS}\nSent: Monday, March 2, 2026 10:00 AM\nTo: Support\nSubject: RE: hi",
    f"*From:* {ADDRESS}\n*Date:* Monday, March 2, 2026\n*To:* Support\n*Subject:* hi",
    f"Subject: hi\nTo: Support\nFrom: {ADDRESS}\nDate: 2 March 2026",
    f"Von: {ADDRESS}\nGesendet: Montag, 2. März 2026 10:00\nAn: Support\nBetreff: AW: hi",
    f"   De : {ADDRESS}\n   Envoyé : lundi 2 mars 2026 10:00\n   À : Support\n   Objet : RE: hi",
    f"De: {ADDRESS}\nEnviado el: lunes, 2 de marzo de 2026\nPara: Support\nAsunto: RE: hi",
    f"De: {ADDRESS}\nEnviada em: segunda-feira, 2 de março\nPara: Support\nAssunto: RES: hi",
    f"Da: {ADDRESS}\nInviato: lunedì 2 marzo 2026 10:00\nA: Support\nOggetto: R: hi",
    f"Van: {ADDRESS}\nVerzonden: maandag 2 maart 2026\nAan: Support\nOnderwerp: RE: hi",
    f"Od: {ADDRESS}\nWysłano: poniedziałek, 2 marca 2026\nDo: Support\nTemat: ODP: hi",
    f"差出人: {ADDRESS}\n送信日時: 2026年3月2日\n宛先: Support\n件名: RE: hi",
    "From: Robin Toy\n<robin@example.com>\nSent: Monday\nTo: Support\nSubject: hi",
    f"**From:** {ADDRESS}\n\n**Sent:** Monday\n\n**To:** Support\n\n**Subject:** hi",
    "From: Robin Toy\nSent: \u200eMonday\u200e, March 2\u200e, 2026 10\u200e:\u200e00\nTo: Kim Toy",
    "-----Original Message-----\nFrom: Robin Toy\nTo: Support\nSubject: hi",
    "-----Ursprüngliche Nachricht-----",
    "-------- Message d'origine --------",
    f"Begin forwarded message:\n\nFrom: {ADDRESS}\nSubject: hi",
    "________________________________\nFrom: Robin Toy\nSent: Monday\nTo: Support\nSubject: hi",
    # No table has Lithuanian.
    f"________________________________\nKas: {ADDRESS}\nIšsiųsta: 2026-03-02 10:00\nKam: Support",
    "-----Original Nachricht-----",
    "##- Please type your reply above this line -##",
    "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##",
    "##- Veuillez indiquer votre réponse au-dessus de cette ligne. -##",
    "##- Por favor, escriba su respuesta por encima de esta línea -##",
    "##- Digite sua resposta acima desta linha -##",
    "##- Per favore, inserisci la tua risposta sopra questa riga -##",
    "##- Typ uw antwoord boven deze regel -##",
]


def own_words(text: str) -> str:
    return trim(text).text().strip()


def marked(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


@pytest.mark.parametrize("introduction", [*ATTRIBUTIONS, *BLOCKS])
def test_an_earlier_mail_below_goes(introduction: str) -> None:
    assert own_words(f"{OWN}\n\n{introduction}\n\n{QUOTED}\n") == OWN


@pytest.mark.parametrize("introduction", ATTRIBUTIONS)
def test_an_answer_below_a_marked_quote_stays(introduction: str) -> None:
    assert own_words(f"{introduction}\n{marked(QUOTED)}\n\n{OWN}\n") == OWN


def test_answers_between_quotes_stay() -> None:
    mail = f"{ATTRIBUTIONS[0]}\n> Which one?\n\nThe red.\n\n> How many?\nTwo.\n> Where to?\nHome."
    assert own_words(mail).split() == ["The", "red.", "Two.", "Home."]


def test_a_name_with_a_verb_is_an_attribution_only_above_a_marked_quote() -> None:
    assert own_words(f"Robin Toy wrote:\n> Which?\n{OWN}") == OWN
    assert own_words("Robin Toy wrote:\nit is broken.\nIs it?").startswith("Robin Toy wrote:")


def test_the_line_drawn_above_a_quote_is_part_of_it() -> None:
    found = trim(f"{OWN}\n\n====\n\n{BLOCKS[0]}\n\n{QUOTED}")
    assert [cut.kind for cut in found.cuts] == ["quote"]
    assert cut_text(found, "quote").strip().startswith("====")


def test_the_wrapped_rest_of_a_long_quoted_line_goes() -> None:
    long = "> the number that stands on the back of the lamp that you bought from our"
    assert own_words(f"{OWN}\n{long}\nshop last week\n> or so") == OWN


@pytest.mark.parametrize(
    "rest", ["(http://example.com/lamps/12345) >", "_color=blue)", "(http://example.com/?n=1)>"]
)
def test_the_rest_of_a_quoted_link_goes(rest: str) -> None:
    quote = f"> see our offers (http://example.com/lamps?size=big\n{rest}\n> and order"
    assert own_words(f"{OWN}\n\n{ATTRIBUTIONS[0]}\n{quote}") == OWN


def test_a_link_that_answers_a_quote_stays() -> None:
    link = "(https://example.com/my-lamp)"
    assert own_words(f"{ATTRIBUTIONS[0]}\n> Which one?\n{link}\n> And when?\nNow.").startswith(link)


def test_an_attribution_without_verb_is_one_above_a_mark() -> None:
    bare = "2026/5/5 Kim via Toys <kim@example.com>"
    assert own_words(f"{OWN}\n\n{bare}\n\n> Which one?") == OWN
    assert own_words(f"{OWN}\n\n{bare}\n\nIs that right?").endswith("Is that right?")


def test_a_quote_at_the_top_without_marks_keeps_what_the_customer_forwards() -> None:
    forwarded = f"---------- Forwarded message ---------\n{BLOCKS[0]}\n\nYour lamp was shipped."
    assert own_words(forwarded) == "Your lamp was shipped."
    assert own_words(f"FYI, why?\n\n{forwarded}") == "FYI, why?"


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I ordered a lamp and it never came.",
        "On the other hand,\nit works.",
        "On 2 March 2026 at 10:00 your colleague wrote: it is on its way.\nIt is not.",
        "My colleague Anna wrote:\nthe parcel was damaged.\nWhat now?",
        "I wrote to support@acme.example on 2 March 2026 at 10:00 and they said:\nwait.\nI waited.",
        "Please send it to robin@example.com by 3:00. Details:\nred lamp",
        "My data:\nName: Robin Toy\nEmail: robin@example.com\nDate: 2026-03-02 10:00\nOrder: 12345",
        "From: Berlin\nTo: Rome\nDate: 3 March 2026\nPlease book this.",
        "Two trips.\n\nFrom: Berlin\nTo: Rome\nDate: 3 March 2026, 10:00\n\nPlease book them.",
        "Two trips.\nFrom: Berlin\nDate: 3 March 2026, 10:00\nTo: Rome\nPlease book them.",
        "The data comes from: our database, not\nFrom: external sources.",
        "Subject: my order\nIt is late.",
        "Steps:\n-----------------\n1. log in\n-----------------\nThen it crashes.",
        "5 > 3 is true",
        "2026-01-15 14:30:25\n15.01.2026 14:30\nThese are the times.",
        "Is the original message lost? Forwarded message: none.",
        "The text above this line is wrong:\nplease correct it.",
        "Op 3 mei 2026 om 10:00 schreef ik:\nlamp kapot.\nNiets gehoord.",
    ],
)
def test_what_only_looks_like_a_quote_stays(text: str) -> None:
    assert own_words(text) == text


@given(st.text(alphabet="ab_-: =：é", min_size=1, max_size=6))
def test_a_line_is_drawn_by_its_ends(bare: str) -> None:
    assert _is_drawn(bare) == (re.search(r"^\W{2}|[:：]$|\W{2}$", bare) is not None)
