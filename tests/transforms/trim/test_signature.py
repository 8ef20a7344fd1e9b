import pytest

from tests.transforms.trim.told import cut_text
from transforms.trim import trim
from transforms.trim.signature import is_program_line

OWN = "My order 12345 is late.\nPlease check it."

CLOSINGS = [
    "Kind regards,\nRobin Toy",
    "Best,\nR.",
    "Thanks,\nRobin",
    "Thanks,",
    "Yours faithfully,\n\nRobin Toy\nHead of Nothing | Acme Ltd\nT: +44 20 5550 100\nacme.example",
    "Mit freundlichen Grüßen\nRobin Toy",
    "MfG",
    "Liebe Grüße aus Berlin\nRobin",
    "Vielen Dank im Voraus!\n\nBeste Grüße\nRobin Toy",
    "Cordialement,\nRobin Toy",
    "Je vous prie d'agréer, Madame, Monsieur, mes salutations distinguées.\nRobin Toy",
    "Un saludo,\nRobin",
    "Atentamente,\nRobin Toy\nTel. 555 0100",
    "Com os melhores cumprimentos,\nRobin",
    "Obrigado,\nRobin",
    "Cordiali saluti\nRobin Toy",
    "Met vriendelijke groet,\nRobin Toy",
    "I remain, with kind regards,\nRobin Toy",
    "Sending my best regards,\nRobin",
    "Ich verbleibe mit freundlichen Grüßen\nRobin Toy",
    "Je vous adresse mes sincères salutations.\nRobin Toy",
    "Avec mes meilleures salutations,\nRobin",
    "Reciban un cordial saludo,\nRobin Toy",
    "Le saluda atentamente,\nRobin Toy",
    "Subscrevo-me, atenciosamente,\nRobin Toy",
    "Envio os meus melhores cumprimentos,\nRobin",
    "Porgo distinti saluti\nRobin Toy",
    "Le invio i miei più cordiali saluti,\nRobin Toy",
    "Met de meeste hoogachting,\nRobin Toy",
    "Groetjes Robin",
    "Med vänliga hälsningar\nRobin",
    "Pozdrawiam serdecznie,\nRobin",
    "С уважением,\nRobin",
    "よろしくお願いいたします。\nロビン",
    "Best Regards / Mit freundlichen Grüßen\nRobin Toy",
    "-- \nRobin Toy\n555-0100",
    "__\na mailing list\nlist@example.com",
    "-----",
    "--------\n*****\n========",
    "-Robin Toy",
    "/Robin",
    "Robin Toy\nAccount Executive\nTel: 555-0100\nrobin@example.com",
    "Regards\nSent from my iPhone",
    "Thanks & Regards\nRobin Toy",
    "Best regards and many thanks,\nRobin",
    "Vielen Dank und freundliche Grüße\nRobin Toy",
    "Merci et bonne journée,\nRobin",
    "Gracias y un saludo\nRobin",
    "Obrigado pela atenção.\nRobin",
    "Grazie e cordiali saluti,\nRobin Toy",
    "Bedankt en groet,\nRobin",
    "Mit freundlichem Gruß\nRobin Toy",
    "Einen schönen Tag noch\nRobin",
    "Bonne fin de journée\nRobin",
    "Hasta luego\nRobin",
    "Fico no aguardo\nRobin",
    "Resto in attesa di un vostro riscontro.\nRobin",
    "Tot ziens\nRobin",
    "Thanks, Robin",
    "LG Robin",
    "Robin Toy | Head of Nothing | +44 20 5550 100 | www.acme.example",
    "Best regards,\nRobin\n\n* * *\n\nThe finest toys in town since long ago.",
    "Kind regards\nRobin\n\n**Robin Toy**,\nHead of Nothing\n"
    "![Toys](https://acme.example/toys.png?width=600&height=200&format=png&version=12345678)\n\n"
    "Do you want more toys? Then come to our great toy fair in Toytown and bring your friends!",
]

PROGRAMS = [
    "Sent from my iPhone",
    "Sent from my Verizon Wireless BlackBerry",
    "Sent via the Samsung Galaxy S21 5G, an AT&T 5G smartphone",
    "Get Outlook for iOS<https://aka.ms/x>",
    "Sent with Proton Mail secure email.",
    "Von meinem iPhone gesendet",
    "Von meinem Android-Mobiltelefon mit GMX Mail gesendet.",
    "Outlook für iOS beziehen",
    "Envoyé de mon iPhone",
    "Obtenir Outlook pour iOS<https://aka.ms/x>",
    "Enviado desde mi iPhone",
    "Enviado do meu iPhone",
    "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Отправлено с iPhone",
    "iPhoneから送信",
    "发自我的iPhone",
    "나의 iPhone에서 보냄",
    "Sent from my mobile, please excuse brevity.",
    "Sent from my phone. Sorry for any typos!",
    "Sent from Yahoo Mail. Get the app",
    "Sent from Mail for Windows",
    "Gesendet mit der Toyfon Mail App",
    "Von Samsung-Tablet gesendet",
    "Inviato da Posta per Windows",
    "Az iPhone-omról küldve",
    "Odesláno z iPhonu",
    "Samsung cep telefonumdan gönderildi",
    "Išsiųsta iš mano iPhone",
    "從我的 iPhone 發送",
]


def own_words(text: str, *names: str) -> str:
    return trim(text, names).text().strip()


@pytest.mark.parametrize("closing", CLOSINGS)
def test_a_closing_goes(closing: str) -> None:
    found = trim(f"{OWN}\n\n{closing}\n")
    assert found.text().strip() == OWN
    assert cut_text(found, "signature").strip() == closing


@pytest.mark.parametrize("line", PROGRAMS)
def test_a_program_s_line_goes(line: str) -> None:
    assert is_program_line(line)
    assert own_words(f"{OWN}\n\n{line}\n") == OWN
    assert own_words(f"{OWN}\n{line}\n") == OWN


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my desk, is much easier than my mobile phone.",
        "It was sent from my iPhone app to all users.",
        "Is it sent from my phone?",
        "I got Outlook for iOS and it stopped working ever since I did.",
    ],
)
def test_a_sentence_about_devices_is_no_program_s_line(line: str) -> None:
    assert not is_program_line(line)
    assert own_words(f"{OWN}\n\n{line}") == f"{OWN}\n\n{line}"


@pytest.mark.parametrize(
    "text",
    [
        "Thanks",
        "It works.\nThanks!",
        "Thanks for the parcel.\nBut it is broken.",
        "Best\nwould be a refund, I think.",
        "Can you cancel it?\n\nThanks\n\nAnd I need an invoice for the last order, please send it.",
        "Please call me:\n\nRobin Toy\nTel: 555-0100\nrobin@example.com",
        "My address:\nRobin Toy\n1 Toy Street\nLondon",
        "Two things:\n- the lamp\n- Robin",
        "The box says:\n-- do not open --\nWhy?",
        "Order details:\nSent via DHL Express\nIt arrived broken.",
        "With regards to the lamp, it is late.",
        "Key points\n----\n1. It is slow\n----\nThat is all I have.",
        "My consoles:\nPS 5\nPS 4",
        "Saluti ricevuti, pacco no.",
        "The best:\nPS: nothing else",
        "Thanks for the update.\nBest case it arrives Friday.",
        "The courier said:\nBest regards to the shop.\nI laughed.",
        "LG ist die Marke, nicht Acme.\nBitte ändern.",
        "Bis bald reicht mir nicht.\nIch will ein Datum.",
        "Best regards,\nRobin\n\nBut wait, I forgot to say that the lamp is broken as well.",
        "I ordered:\n\nToy Lamp | blue | large | 2 pieces\n\nIt never came.",
    ],
)
def test_what_only_looks_like_a_closing_stays(text: str) -> None:
    assert own_words(text) == text


def test_a_signature_below_the_quote_goes() -> None:
    quote = "On Mon, 2 Mar 2026, Robin Toy <robin@example.com> wrote:\n> Which?"
    assert own_words(f"{OWN}\n\n{quote}\n\n-- \nKim Toy\n555-0100") == OWN


@pytest.mark.parametrize("mark", ["PS:", "P.S.", "PS", "P.S.:", "PPS", "Ps:"])
def test_a_postscript_is_said_and_the_name_above_it_goes(mark: str) -> None:
    said = f"{mark} it is the blue one."
    for body, names in (
        (f"{OWN}\n\nKind regards\nSam\n\n{said}", ()),
        (f"{OWN}\n\nSam\n{said}", ("Sam Toy",)),
        (f"{OWN}\n\nThanks,\nSam\n\n{said}\n\nMfG\nSam", ()),
    ):
        assert own_words(body, *names).split() == f"{OWN} {said}".split()


def test_a_name_or_closing_below_a_quote_goes() -> None:
    quote = "On Mon, 2 Mar 2026, Kim Toy <kim@example.com> wrote:\n> Which?\n> And why?"
    above = f"{quote}\n\nThe blue one."
    assert own_words(f"{OWN}\n\n{quote}\n\nRobin", "Robin Toy") == OWN
    assert own_words(f"{OWN}\n\n{quote}\n\nKind regards,\nRobin") == OWN
    assert own_words(f"{above}\n\nRobin", "Robin Toy") == "The blue one."
    assert own_words(f"{OWN}\n\n{quote}\n\nBlue", "Robin Toy").endswith("Blue")


def test_the_author_s_name_alone_goes_only_where_the_envelope_states_it() -> None:
    assert own_words(f"{OWN}\n\nRobin", "Robin Toy") == OWN
    assert own_words(f"{OWN}\n\nRobin") == f"{OWN}\n\nRobin"
    assert own_words("Robin", "Robin Toy") == "Robin"


@pytest.mark.parametrize(
    "line",
    [
        "Your Toy team,",
        "The Toy Support Team",
        "Ihr Toy-Team",
        "L'équipe Toy,",
        "Customer care team,",
    ],
)
def test_a_team_signs_above_the_name_of_one_of_them(line: str) -> None:
    assert trim(f"It left on Monday.\n\n{line}\nRobin").text().strip() == "It left on Monday."


@pytest.mark.parametrize(
    "text",
    [
        "Please pass this on to\nthe support team\nRobin",
        "It was lost.\n\nI want another team.\nRobin",
        "It was lost.\n\nthe delivery team",
    ],
)
def test_talk_about_a_team_stays(text: str) -> None:
    assert trim(text).text().strip() == text


@pytest.mark.parametrize(
    "ending", ["Ever grateful,", "Ever grateful,\nRobin", "Muy agradecida,\nRobin Toy\nBaker"]
)
def test_a_formula_in_words_of_its_own_ends_a_mail(ending: str) -> None:
    assert trim(f"It works.\n\n{ending}").text().strip() == "It works."


def test_a_list_below_a_colon_is_no_formula() -> None:
    text = "I ordered:\n\nBlue kettle,\nGreen lid"
    assert trim(text).text() == text


def test_the_author_s_name_below_a_formula_ends_a_mail_without_full_stops() -> None:
    found = trim("it works now\n\nEver grateful,\nrobin", names=("Robin Toy",))
    assert found.text().strip() == "it works now"
