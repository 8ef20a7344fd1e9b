import pytest

from transforms.redact import Context, find_spans, redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mi DNI es 40887612Y", "Mi DNI es <SSN>"),
        ("mi NIF: 40887612A", "mi NIF: <SSN>"),
        ("NIE Y2468135L", "NIE <SSN>"),
        ("soy el 40887612-Y", "soy el <SSN>"),
        ("meu CPF é 529.982.247-25", "meu CPF é <SSN>"),
        ("é 529.982.247-25", "é <SSN>"),
        ("cpf 52998224725", "cpf <SSN>"),
        ("codice fiscale: VRDGNN79C55F205K", "codice fiscale: <SSN>"),
        ("sono VRDGNN79C55F205K.", "sono <SSN>."),
        ("meine Steuer-ID lautet 86 095 742 719", "meine Steuer-ID lautet <SSN>"),
        ("n° de sécu 1 84 12 76 451 089 46", "n° de sécu <SSN>"),
        ("my nino is JG103759A", "my nino is <SSN>"),
        ("it is JG 10 37 59 A", "it is <SSN>"),
        ("bsn 111222333", "bsn <SSN>"),
        ("AHV 756.9217.0769.85", "AHV <SSN>"),
        ("my vin is 1M8GDM9AXKP042788", "my vin is <LICENSE>"),
        ("license plate 8XYZ901", "license plate <LICENSE>"),
        ("Kennzeichen: HH-TY 1234", "Kennzeichen: <LICENSE>"),
        ("mi matrícula es 4821 KLM", "mi matrícula es <LICENSE>"),
        ("targa EF482GH", "targa <LICENSE>"),
    ],
)
def test_a_number_of_a_state_is_found_by_its_check_or_its_name(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "order 40887612Y is late",
        "type 40887612A fits",
        "529.982.247-26 is the code of the model",
        "ich habe nie 12345 bestellt",
        "model JG103759A",
        "on 201812 a customer came",
        "vin rouge 2019",
        "the plate 20 cm wide",
        "plaque de 30 cm",
        "a number plate holder, 2 pack",
        "a mini bar",
        "placa base B450",
    ],
)
def test_orders_and_measures_are_no_numbers_of_a_state(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.parametrize("answer", ["40887612Y", "529.982.247-25", "52998224725", "86095742719"])
def test_an_asked_national_number_may_hold_letters(answer: str) -> None:
    spans = find_spans(answer, Context(asked=frozenset({"SSN"})))
    assert [(s.type, s.start, s.end) for s in spans] == [("SSN", 0, len(answer))]
