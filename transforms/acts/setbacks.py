"""Whether a customer who was answered says that it did not help.

Pure; reads and writes no table. What an answer leaves undone is told in few ways: something is
denied ("nothing has changed", "it won't work"), something goes on ("the fault persists"), or a
word of regret stands beside the thanks ("unfortunately"). A denial alone is enough in a short turn
that asks nothing: whoever was helped seldom says "not". English first; German, French, Spanish,
Portuguese, Italian and Dutch by their commonest words. Texts are read as
`transforms.acts.kinds.normal` leaves them.
"""

from transforms.acts.folded import any_of

MAX_WORDS = 25
"""A longer denial tells of something else as well."""

_TROUBLE = (
    r"(?:problems?|issues?|errors?|faults?|bugs?|troubles?|failures?|messages?|warnings?|"
    r"symptoms?|situation|matter|case)"
)
_GOES_ON = any_of(
    rf"\b{_TROUBLE}(?: \w+)? (?:persists?|remains?|continues?|exists?|occurs?|appears?|reappears?|"
    r"comes? back|came back|has come back|keeps?)\b",
    rf"\b{_TROUBLE} (?:is|are|was|has been) (?:\w+ )?(?:back|there|here|as|happening|returning)\b",
    r"\b(?:keeps?|kept) (?:on )?(?:\w+ing)\b",
    r"\b(?:end|ended|ending) up (?:back |again )?(?:at|in|on|with)\b|\bback (?:at"
    r"|to) (?:the (?:start|"
    r"beginning)|square one)\b|\b(?:whatever|no matter what) i (?:do|try)\b|"
    r"\beach time\b|\bno (?:further|closer) (?:than|on|along|forward)\b|\bno difference\b",
    r"\b(?:throws?|throwing|shows?|showing|gives?|giving|gives me|getting|get|got|says?|saying)"
    r"(?: me)? (?:an?|the|the same|another) (?:\w+ )?(?:error|failure|warning)\b",
    r"\b(?:same|exactly) as (?:before|it was|always|yesterday)\b",
    r"\b(?:re-?open|re-?opened)\b|\b(?:why (?:is|was|did|do|has|would)|how (?:come|can"
    r"|could))\b.{0,40}\b(?:closed?|finished|"
    r"completed?|done|solved|resolved)\b",
    r"\b(?:stuck|useless|pointless|in vain|misunderst\w+|misread)\b",
    r"\b(?:got|get|getting|have|had) (?:that|this|it|me|my \w+|the \w+) (?:all )?wrong\b",
    r"\b(?:different|another|other|wrong) (?:topic|subject|matter|question|order|answer)\b",
    r"\b(?:about|answering|answered|asked|meant|wanted|said|wrote) (?:something|anything) "
    r"(?:\w+ )?(?:else|different|other)\b",
    r"\b(?:scrap|drop|cancel|skip|abandon) (?:that|it|this|the (?:whole|lot|order))\b",
    r"\b(?:(?:going|go|order|shop|buy) elsewhere|leave it)\b",
)
_REGRETS = any_of(
    r"\b(?:unfortunately|sadly|regrettably|i'm afraid|i am afraid|to no avail|leider|"
    r"malheureusement|desafortunadamente|desgraciadamente|por desgracia|infelizmente|"
    r"purtroppo|helaas)\b"
)
_HARMLESS = any_of(
    r"\b(?:no|without|not an?y?) (?:more |other |further |big |need |doubt |idea |hurry |rush )*"
    r"(?:problems?|worries|issues?|trouble|questions?|hassle|thanks?|thank you|rush|hurry|need|"
    r"doubt|idea|bother|matter|stress|pressure)\b",
    r"\bnothing (?:else|more|further)\b|\bnot (?:at all|only|just|bad|long|necessary|to worry)\b",
    r"(?:n't|\b(?:not|never|nothing)) (?:\w+ ){0,2}(?:better|happier|easier|faster|nicer|enough|"
    r"worry|matter|mind|realis\w+|realiz\w+|aware|know|knew|think|thought|notice\w*|expect\w*|"
    r"noticed|guess\w*|see (?:that|it|this))\b",
    r"\b(?:can't|cannot) (?:thank|wait|complain|fault)\b|\bno longer\b|\bwhy (?:didn't|not)\b",
    r"^\W*(?:no|nope|nein|non|n[ãa]o|nee)\W+(?:(?:that|this|it)(?:'s| is| was)|thanks?|thank you|"
    r"all|i'm (?:good|fine)|danke|merci|gracias|obrigad[oa]|grazie|bedankt)\b",
    r"\b(?:pas|keine?|kein|nessun|n?ning[uú]n|nenhum|geen) (?:de )?(?:probl[eè]m\w*|problema?|"
    r"probleem|souci|frage\w*|domanda|vragen)\b|\bde nada\b|\bpas de quoi\b|\bno hay de qu[eé]\b",
)
"""Denials of what could trouble the customer."""

_DENIES = any_of(
    r"n't\b|\b(?:not|no|nope|nah|never|nothing|none|nobody|nowhere|neither|cannot|unable|hardly|"
    r"without|fails?|failed|failing|wrong|incorrect)\b",
    r"\b(?:nicht|kein\w*|nie|niemals|nichts|nirgends|pas|jamais|rien|aucun\w*|nunca|nada|jam[aá]s|"
    r"ning[uú]n\w*|n[ãa]o|nem|nenhum\w*|non|niente|nessun\w*|mai|niet|niets|geen|nooit)\b",
)
_TURNS = any_of(
    r"\b(?:but|however|though|although|yet|only that|still|aber|doch|trotzdem|jedoch|mais|"
    r"pourtant|pero|sin embargo|mas|por[ée]m|ma|per[òo]|maar|toch)\b"
)


def is_setback(said: str, *, is_content: bool) -> bool:
    """Whether a turn after an answer says that it did not help.

    Args:
        said: the turn as the patterns read it.
        is_content: it also thanks or praises, or says that something works; then a denial counts
            only where it turns against that ("thanks, but no").
    """
    if _GOES_ON.search(said) or _REGRETS.search(said):
        return True
    if len(said.split()) > MAX_WORDS or "?" in said:
        return False
    return denies(said) and (not is_content or bool(_TURNS.search(said)))


def denies(said: str) -> bool:
    """Whether a turn denies something that could trouble the customer."""
    return _DENIES.search(_HARMLESS.sub(" ", said)) is not None
