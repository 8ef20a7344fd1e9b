"""What a customer needs, without the courtesies around it: greeting, introduction, identification.

Sentence by sentence. A sentence goes that only greets, makes small talk, gives a name or identifies
("my account number is <ACCOUNT_1>"), or thanks at the end; an introduction in front of the need in
one sentence goes, too. What the answer takes up again stays, and so does what is about such data
("my new address is <ADDRESS_1>"): the slot is part of the need. Only masked data are known as
identification, so a text that was not redacted keeps them. Pure; reads and writes no table.
"""

import re

from transforms.acts.apology import sentences
from transforms.acts.folded import any_of, lowered
from transforms.acts.kinds import GREETING
from transforms.redact import PERSONAL
from transforms.redact.placeholders import PLACEHOLDER

MIN_NEED_CHARS = 8
"""A rest that is shorter says no need; the text stays as it was."""


MAX_NEED_CHARS = 4000
"""A longer text is a pasted log or a letter; it stays as it was."""

_MAX_COURTESY_CHARS = 200

_HELLO = (
    r"(?:hi+|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|"
    r"abend)|liebes?|bonjour|bonsoir|hola|buen[oa]s (?:d[ií]as|tardes|noches)|ol[áa]|bom dia|boa "
    r"(?:tarde|noite)|ciao|buongiorno|salve|hoi|beste|goede(?:morgen|middag|navond|ndag))\b"
)
_NAMES = r"(?:<person(?:_\d+)?>[ ,]*)+(?!'s)"
_SMALL_TALK = any_of(
    rf"^\W*(?:{_HELLO}\W*)?(?:(?:i|we) )?(?:do )?hope (?:you(?:'re| are)? (?:\w+ ){{0,3}}(?:well|"
    r"fine|good|ok(?:ay)?|great|day|week|weekend|time)|all is|everything is|this \w+ "
    r"finds)\b[^?]{0,40}$",
    rf"^\W*(?:{_HELLO}\W*)?(?:and )?how (?:are|r) (?:you|u|things)(?: \w+){{0,4}}\W*$",
    rf"^\W*{_HELLO},? (?:{_NAMES}|(?:\w+ ){{0,2}}(?:team|all|everyone|support|folks|guys|sirs?|"
    r"madam|customer service))\W*$",
    r"^\W*to whom it may concern\W*$|^\W*dear sir(?: or |/)madam\W*$",
    r"^\W*(?:ich hoffe|j'esp[èe]re|espero|spero|ik hoop)\b[^?]{0,50}\b(?:gut|bien|bem|bene|goed)\b"
    r"\W{0,3}(?:geht|gaat)?\W*$",
    r"^\W*(?:sehr geehrte\w*|madame|monsieur|estimad[oa]s?|prezad[oa]s?|gentile|"
    r"geachte)\b[^?]{0,40}[,:!]\W*$",
)
_THANKS_AHEAD = any_of(
    r"^\W*(?:(?:many |kind |best |warm )?(?:thanks|regards|wishes)|thank you|thx|ty|cheers|"
    r"(?:vielen |herzlichen )?dank|danke|merci|gracias|obrigad[oa]|grazie|bedankt|mit "
    r"freundlichen gr[üu](?:ß|ss)en|cordialement|un saludo|saludos|cumprimentos|cordiali saluti|"
    r"groet(?:en|jes)?)(?: (?:you|so|very|much|a lot|in advance|again|for your (?:help|time|"
    r"support|assistance)|im voraus|d'avance|beaucoup|de antemano|por adelantado|muchas|desde "
    r"j[áa]|in anticipo|alvast|mille|und|and|best|kind|regards))*\W*(?:<person(?:_\d+)?>\W*)?$"
)
_NAME_ALONE = re.compile(r"^\W*<person(?:_\d+)?>\W*$")
_INTRODUCES = re.compile(
    rf"^\W*(?:{_HELLO}\W*(?:(?:there|all|team)\b\W*)?)?(?:my name(?:'s| is)|this is|i am|i'm|"
    r"mein name ist|ich bin|hier ist|ich hei(?:ß|ss)e|je m'appelle|je suis|mon nom est|me llamo|"
    r"mi nombre es|soy|meu nome [ée]|(?:eu )?sou(?: [oa])?|mi chiamo|sono|mijn naam is|ik ben|"
    r"ik heet) "
    rf"{_NAMES}(?:(?:here|from|of|speaking|calling|aus|de|uit)\b(?: [\w<>]+){{0,2}})?"
)
_JOINS = re.compile(r"^\W*(?:(?:and|und|et|y|e|en|ed)\b)?\W*")
_IDENTIFIES = re.compile(
    r"^\W*(?:(?:and|also|for (?:reference|verification|security)|und|et|y|e|en)\b\W*)*(?:(?:my|"
    r"the|our|meine?|unsere?|mon|ma|votre|mi|meu|minha|il mio|la mia|mijn)\b )?(?:(?:customer|"
    r"client|member(?:ship)?|account|bank|card|credit|debit|policy|phone|mobile|cell|contact|"
    r"telephone|e-?mail|home|postal|street|billing|full|first|last|user|login|social|security|"
    r"national|passport|date of|zip|post|numéro de|número de|numero di|adresse|date de|fecha de|"
    r"data de|data di|kunden|konto) ?){0,3}(?:number|no\.?|code|id|address|name|account|card|"
    r"phone|mobile|e-?mail|birth|birthday|dob|ssn|postcode|zip|passport|user ?name|\w*nummer|"
    r"\w*adresse|geburtsdatum|geboortedatum|telefoon|téléphone|naissance|teléfono|nacimiento|"
    r"cuenta|correo|cliente?|compte|conta|telefone|nascimento|telefono|nascita|conto)(?: (?:is|"
    r"are|ist|lautet|est|es|[ée]|[èe]|number|on file))*\W{0,3}<[a-z][a-z0-9_]*>(?:\W*(?:(?:and|"
    r"or|und|et|y|e|en)\b)?\W*<[a-z][a-z0-9_]*>)*\W*$"
)
_CHANGES = any_of(
    r"\b(?:new|old|current|correct|right|wrong|instead|changed?|update|other|different|neue\w*|"
    r"alte\w*|nouve\w+|ancien\w*|nuev\w+|viej\w+|nov[oa]|velh[oa]|nuov[oa]|vecchi[oa]|nieuwe?|"
    r"oude?)\b"
)
"""Data that are the matter itself."""


def bare_need(text: str, response: str = "") -> str:
    """The text without courtesies and identification; as it was where hardly anything is left.

    >>> bare_need("Hello! My name is <PERSON_1> and my lamp is dead.", "We send a new one.")
    'My lamp is dead.'
    """
    if len(text) > MAX_NEED_CHARS:
        return text
    parts = sentences(text)
    kept = [_without_introduction(p, response) for p in parts if not _is_courtesy(p, response)]
    while len(kept) > 1 and _is_sign_off(_read(kept[-1]).strip()):
        kept.pop()
    bare = "".join(kept).strip()
    return bare if len(bare) >= MIN_NEED_CHARS else text


def _is_sign_off(said: str) -> bool:
    return bool(_THANKS_AHEAD.search(said) or _NAME_ALONE.match(said))


def _is_courtesy(sentence: str, response: str) -> bool:
    said = _read(sentence).strip()
    if not said or len(said) > _MAX_COURTESY_CHARS:
        return False
    if GREETING.search(said) or _SMALL_TALK.search(said):
        return True
    found = _INTRODUCES.match(said)
    is_introduced = bool(found and not said[found.end() :].strip(" .,;!"))
    return (is_introduced or _identifies(sentence)) and not _is_taken_up(sentence, response)


def _identifies(sentence: str) -> bool:
    """Whether a sentence does nothing but give personal data that are not what it is about."""
    said = _read(sentence)
    return (
        _IDENTIFIES.match(said) is not None
        and all(m["type"] in PERSONAL for m in PLACEHOLDER.finditer(sentence))
        and not _CHANGES.search(said)
    )


def _is_taken_up(sentence: str, response: str) -> bool:
    """Whether the answer repeats a mask of the sentence; a name alone is only an address."""
    masks = (m for m in PLACEHOLDER.finditer(sentence) if m["type"] != "PERSON")
    return any(m[0] in response for m in masks)


def _without_introduction(sentence: str, response: str) -> str:
    """The sentence without the name at its front, where a need follows in it."""
    found = _INTRODUCES.match(_read(sentence[:_MAX_COURTESY_CHARS]))
    if not found or _is_taken_up(sentence[: found.end()], response):
        return sentence
    rest = sentence[found.end() :]
    joint = _JOINS.match(_read(rest))
    rest = rest[joint.end() :] if joint else rest
    return rest[0].upper() + rest[1:] if len(rest.strip()) >= MIN_NEED_CHARS else sentence


def _read(text: str) -> str:
    """As the patterns read it, each character in its place."""
    return lowered(text.replace("\u2019", "'"))
