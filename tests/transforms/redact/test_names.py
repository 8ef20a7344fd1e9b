import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.redact import Context, Known, Span, find_spans, redact
from transforms.redact.names import (
    _GREETING,
    _OPEN,
    _SELF,
    _SIGN_OFF,
    _STRONG,
    _WEAK,
    _strongly,
    _weakly,
    find_names,
    greeting_ends,
)
from transforms.redact.view import view


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my name is zanele okafor and i wait", "my name is <PERSON> and i wait"),
        ("I'm Toy, Robin.", "I'm <PERSON>."),
        ("this is kuttijaya", "this is <PERSON>"),
        ("Robin Toy speaking", "<PERSON> speaking"),
        ("Hi Robin, thanks", "Hi <PERSON>, thanks"),
        ("Dear Mr. Querty,", "Dear <PERSON>,"),
        ("the bill from Dr. Smith is wrong", "the bill from <PERSON> is wrong"),
        ("find bills from anna freeman please", "find bills from <PERSON> please"),
        ("satish is my name", "<PERSON> is my name"),
        ("Mein Name ist Jürgen Vogel, hallo", "Mein Name ist <PERSON>, hallo"),
        ("Je m'appelle Chloé Dubois", "Je m'appelle <PERSON>"),
        ("Me llamo José García", "Me llamo <PERSON>"),
        ("Meu nome é João Silva", "Meu nome é <PERSON>"),
        ("Mi chiamo Giulia Rossi", "Mi chiamo <PERSON>"),
        ("Mijn naam is Sander de Vries", "Mijn naam is <PERSON>"),
        ("It broke.\nRegards,\nRobin Toy", "It broke.\nRegards,\n<PERSON>"),
        ("sure, Chloe Doyle", "sure, <PERSON>"),
        ("thx Robin!", "thx <PERSON>!"),
        ("I asked Oluwaseun to wait", "I asked <PERSON> to wait"),
        ("the order of Svitlana Kovalenko", "the order of <PERSON>"),
        ("Danke Wanda!", "Danke <PERSON>!"),
        ("Merci, Xiomara !", "Merci, <PERSON> !"),
        ("Ich bin Zbyszko", "Ich bin <PERSON>"),
        ("je suis Chloé", "je suis <PERSON>"),
        ("Ik ben Sander", "Ik ben <PERSON>"),
        ("im oluwaseun", "im <PERSON>"),
        ("i am ravi from the shop", "i am <PERSON> from the shop"),
    ],
)
def test_an_introduced_name_is_found(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "I'm happy with it",
        "I am frustrated",
        "this is ridiculous",
        "this is unacceptable.",
        "My name appears incorrectly on the card",
        "my name is not on the list",
        "Hi team,",
        "Hello there",
        "I'm here to help you",
        "my software name is Toyware",
        "Dear customer, I will help",
        "it's broken",
        "The Bill is wrong",
        "The Robin router.",
        "robin router",
        "I am Very happy",
        "Hi, I'm waiting",
        "ich bin krank",
        "Ich bin sauer.",
        "ich bin gerade umgezogen",
        "Ich bin Rentnerin",
        "Ich bin Student",
        "Ich bin Stammkunde.",
        "Hallo Zusammen,",
        "Hola Buenas,",
        "je suis malade",
        "je suis enceinte",
        "Je suis ravi",
        "je suis marié",
        "ich bin schachspieler",
        "je suis plombier",
        "this is sabotage",
        "this is bribery!",
        "ik ben ziek",
        "ik ben verhuisd",
        "estou doente, sou cliente",
        "sono incinta",
        "soy jubilado",
        "im abroad",
        "I am bankrupt",
        "I'm Lebanese",
        "I am Canadian",
        "I am Furious",
        "this is theft",
        "this is robbery!",
        "This is Netflix",
        "Merci Beaucoup!",
        "Danke Schön!",
        "Gracias Señor!",
        "Cheers Mate!",
        "Sorry Guys!",
        "krank",
    ],
)
def test_other_words_after_the_same_phrases_stay(text: str) -> None:
    assert redact(text) == (text, {})


def test_a_misspelt_known_name_is_found() -> None:
    known = Context(known=Known(("Robin Johnson",)))
    assert redact("Jonhson or Johnsonn or Robin", known)[0] == "<PERSON> or <PERSON> or <PERSON>"
    assert redact("the Johansen lamp", known)[0] == "the Johansen lamp"


def test_the_customer_s_own_address_and_number_are_known_fields() -> None:
    by_mail = Context(known=Known.of((), "doyle.wanda79@example.com"))
    assert redact("the order of Doyle", by_mail)[0] == "the order of <PERSON>"
    by_number = Context(known=Known.of((), "+1 555 555 0123"))
    assert redact("code 15555550123 and 1 555-555 0123", by_number)[1] == {"PHONE": 2}
    assert Known.of((), "c9977924") == Known()


def test_a_recogniser_from_outside_only_adds() -> None:
    context = Context(recognise=lambda text: [Span(0, 5, "PERSON", 6), Span(6, 18, "PERSON", 6)])
    assert redact("Qwert 078-05-1120 x", context)[0] == "<PERSON> <SSN> x"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Myself Yorrick Vandaloo.", "Yorrick Vandaloo"),
        ("It is booked under the name of Yorrick Vandaloo.", "Yorrick Vandaloo"),
        ("I call on behalf of Yorrick Vandaloo.", "Yorrick Vandaloo"),
        ("My aunt, Yorrick Vandaloo, bought it.", "Yorrick Vandaloo"),
        ("Yorrick Vandaloo here.", "Yorrick Vandaloo"),
        ("I'm Yorrick van der Loo.", "Yorrick van der Loo"),
    ],
)
def test_a_name_in_other_introductions(text: str, name: str) -> None:
    found = [(s.type, text[s.start : s.end]) for s in find_spans(text, Context())]
    assert found == [("PERSON", name)]


def introductions(pattern: re.Pattern[str]) -> st.SearchStrategy[str]:
    """What a pattern matches, without the condition that a name follows."""
    return st.from_regex(pattern.pattern.removesuffix(r"(?=[^\W\d_])"), fullmatch=True)


@pytest.mark.parametrize("pattern", [_OPEN, _WEAK, _SIGN_OFF], ids=("open", "weak", "sign-off"))
@given(data=st.data())
def test_no_phrase_before_a_name_is_left_out_for_want_of_a_word(
    pattern: re.Pattern[str], data: st.DataObject
) -> None:
    text = f"so {data.draw(introductions(pattern))}Robin"
    found = [match.end() for match in pattern.finditer(text)]
    assert set(found) <= set(_weakly(view(text)))


@given(introductions(_STRONG))
def test_no_phrase_of_a_name_is_left_out_for_want_of_a_word(phrase: str) -> None:
    text = f"{phrase}Robin"
    seen = view(text)
    assert bool(list(_strongly(seen))) or not _STRONG.search(seen.lower)


@given(introductions(_SELF))
def test_no_phrase_of_oneself_is_left_out_for_want_of_a_word(phrase: str) -> None:
    text = f"{phrase}Robin"
    assert not _SELF.search(view(text).lower) or list(find_names(view(text)))


@given(
    st.lists(st.sampled_from(("hi ", "thanks, ", "Robin", ".", "!", "\n", " ", "x")), max_size=9)
)
def test_a_greeting_ends_where_one_pattern_for_all_places_ends(pieces: list[str]) -> None:
    text = "".join(pieces).lower()
    anywhere = re.compile(rf"(?:^|[\n.!?]\s*){_GREETING}")
    assert greeting_ends(text) == tuple(m.end() for m in anywhere.finditer(text))


KIN = (
    "husband wife spouse son daughter mother mum mom father dad friend colleague kid partner"
    " boyfriend girlfriend boss neighbour neighbor brother sister uncle aunt cousin grandmother"
    " grandfather flatmate roommate"
).split()
BEFORE_NAMES = (
    "call me", "speaking with", "speaking to", "connected to", "chatting with", "talking to",
    "issued to", "registered to", "addressed to", "belongs to", "made out to", "assigned to",
    "sold to", "on behalf of", "booked by", "placed for", "signed by", "ordered for",
    "account holder", "accountholder is", "name:", "named", *(f"my {kin}" for kin in KIN),
    "c'est", "soy", "sou", "sou o", "sono", "aqui é", "it's", "its", "it is", "i am", "i'm", "im",
    "myself", "this is", "ich bin", "je suis", "ik ben", "hier spricht", "my name is",
    "mein name ist", "ich heiße", "ich heisse", "je m'appelle", "mon nom est", "me llamo",
    "mi nombre es", "meu nome é", "me chamo", "mi chiamo", "il mio nome è", "mijn naam is",
    "ik heet", "under the name",
)  # fmt: skip


@pytest.mark.parametrize("phrase", BEFORE_NAMES)
def test_two_words_with_capitals_behind_a_phrase_are_a_name(phrase: str) -> None:
    assert redact(f"so {phrase} Zorvin Quellix") == (f"so {phrase} <PERSON>", {"PERSON": 1})
