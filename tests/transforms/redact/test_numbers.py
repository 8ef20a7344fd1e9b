import pytest

from transforms.redact import Context, find_spans, redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my ssn is 5632", "my ssn is <SSN_LAST4>"),
        ("last 4 digits of my account is 3213", "last 4 digits of my account is <ACCOUNT>"),
        ("name Robin Toy and ssn no 1110 and ac no 6667",
         "name <PERSON> and ssn no <SSN_LAST4> and ac no <ACCOUNT>"),
        ("8526 is my ssn", "<SSN_LAST4> is my ssn"),
        ("my zip code is 12345", "my zip code is <POSTCODE>"),
        ("you can ring me at 5550123456", "you can ring me at <PHONE>"),
        ("meine Kundennummer ist 48120077", "meine Kundennummer ist <ACCOUNT>"),
        ("mi teléfono es 600123456", "mi teléfono es <PHONE>"),
        ("passport no C01X00T47", "passport no <PASSPORT>"),
        ("my password is toy 1234", "my password is <PASSWORD>"),
        ("geboren am 04.07.1980", "geboren am <DOB>"),
        ("card 6890 6754 6785 4563", "card <CARD>"),
    ],
)  # fmt: skip
def test_a_word_beside_a_number_says_what_it_is(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [("6980", "<NUMBER>"), ("sure, 5819", "sure, <NUMBER>"), ("It's 938864129.", "It's <NUMBER>."),
     ("23 June 1958", "<DATE>"), ("ok 0088 and 9995", "ok <NUMBER> and <NUMBER>"),
     ("AC07852201", "<NUMBER>"), ("robin 4521", "<PERSON> <NUMBER>"), ("878 e 16", "<NUMBER>")],
)  # fmt: skip
def test_a_customer_s_message_of_nothing_but_a_number_is_masked_on_suspicion(
    text: str, masked: str
) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [("ok 66194", "ok <NUMBER>"), ("id 661947", "id <NUMBER>"), ("hi 66194", "hi <NUMBER>"),
     ("la 66194", "la <NUMBER>"),
     ("OK 73301", "OK <POSTCODE>"), ("tx 75001", "tx <POSTCODE>"),
     ("querty ok 74101", "<ADDRESS>")],
)  # fmt: skip
def test_a_state_that_is_a_word_needs_capitals_or_a_place(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    ["2017", "800", "42", "it is 2019", "500 usd", "2 diet coke", "15052018", "180618", "5 gb",
     "uyy 875", "kl 2586", "10 psr 253 keyboards", "ORD-250107", "INV-2026-05488", "3/28/2025"],
)  # fmt: skip
def test_years_sums_dates_and_codes_are_no_suspicion(text: str) -> None:
    assert redact(text) == (text, {})


def test_nobody_suspects_an_agent_s_number() -> None:
    assert redact("6980", Context(role="agent")) == ("6980", {})


@pytest.mark.parametrize(
    ("asked", "text", "kind"),
    [
        ({"SSN", "SSN_LAST4"}, "6980", "SSN_LAST4"),
        ({"SSN"}, "078051120", "SSN"),
        ({"ACCOUNT"}, "it should be 2019 I think", "ACCOUNT"),
        ({"PHONE"}, "5550123456", "PHONE"),
        ({"DOB"}, "04/07/1980", "DOB"),
        ({"DOB"}, "July 4, 1980 sir", "DOB"),
        ({"POSTCODE"}, "we moved, now 99501", "POSTCODE"),
        ({"PERSON"}, "toyah querty", "PERSON"),
        ({"ADDRESS"}, "12 toy lane, springfield", "ADDRESS"),
        ({"ORDER"}, "4711", "ORDER"),
        ({"ORDER", "EMAIL"}, "4711", "ORDER"),
    ],
)
def test_a_question_says_what_the_answer_is(asked: set[str], text: str, kind: str) -> None:
    spans = find_spans(text, Context(asked=frozenset(asked)))
    assert [s.type for s in spans] == [kind]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("five five five oh one two three", "<NUMBER>"),
        ("it's plus four four two oh seven nine four six oh nine six six", "it's <PHONE>"),
        ("my phone number is double five five oh one two three four", "my phone number is <PHONE>"),
        ("card four one one one one one one one one one one one one one one one", "card <CARD>"),
        (
            "the last four of my social are six nine eight zero",
            "the last four of my social are <SSN_LAST4>",
        ),
        ("eins zwei drei vier fünf sechs sieben", "<NUMBER>"),
        ("under kim dot toy seven one at example dot com", "under <EMAIL>"),
        ("it is mia underscore toy at mail dot example dot org thanks", "it is <EMAIL> thanks"),
    ],
)
def test_spoken_numbers_and_addresses_are_found(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    ["one or two of them", "I have three", "order number four seven one one two",
     "one latte and two teas", "we met at example street dot"],
)  # fmt: skip
def test_spoken_small_numbers_and_orders_stay(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("consumer number K4417702", "ACCOUNT"), ("Soc sec no. 412 77 1903", "SSN"),
        ("My b-day: 3 May 1971", "DOB"), ("waybill 4929123456789012", "TRACKING"),
        ("the pass word i chose is kim_88x", "PASSWORD"),
    ],
)  # fmt: skip
def test_other_words_for_what_a_number_is(text: str, kind: str) -> None:
    assert [s.type for s in find_spans(text, Context())] == [kind]
