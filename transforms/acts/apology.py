"""Which apologies are needless, and a response without them.

An apology answers an offence (Olshtain and Cohen, "Apology: A Speech Act Set", 1983: regret,
account, responsibility, repair, forbearance). It is needless when there is none: the customer
reports no fault, loss, delay or distress (`acts.faults`), and the response owns up to none.
Not needless is a courtesy for what the agent did in the conversation itself (a wait, a slip, a
question asked again), regret for bad news ("sorry, we do not deliver there"), and an apology whose
response names what went wrong or mends it. Words of apology that are quoted, turned down ("no need
to apologize") or part of a name are no apology. Reads and writes no table.
"""

import re

from transforms.acts.faults import reports_fault

__all__ = [
    "apologises",
    "has_needless_apology",
    "is_empathetic",
    "reports_fault",
    "sentences",
    "without_apology",
]

_VERY = (
    r"(?:(?:so|very|terribly|really|truly|extremely|deeply|completely|also|sincerely|awfully|just|"
    r"again) )*"
)
_APOLOGY = re.compile(
    rf"\b(?:(?:i(?:'m| am)|we(?:'re| are)|am|are) {_VERY}sorry|(?:so|very|really|terribly) sorry|"
    r"sorry (?:for|to (?:hear|say|see|learn|bother|keep|interrupt)|about|that|sorry|but)|"
    r"(?:my|our|sincere(?:st)?|deepest|humble|with|accept|please accept (?:my|our)) (?:\w+ )?"
    r"apolog(?:y|ies)|apologi[sz](?:e|es|ing)|"
    r"(?:i|we) (?:deeply |truly |sincerely )?regret|(?:please |do )?forgive (?:me|us)|pardon me|"
    r"excuse (?:me|us|the)|"
    r"(?:tut|es tut|das tut|tun) (?:(?:es|mir|uns|das) )*(?:sehr |wirklich |furchtbar )?leid|"
    r"(?:bitte )?entschuldigen sie|entschuldigung|wir entschuldigen|ich entschuldige|verzeih\w*|"
    r"(?:vraiment |sinc[èe]rement )?(?:d[ée]sol[ée]e?s?|navr[ée]e?s?)|"
    r"(?:nos|mes|toutes mes|nos plus \w+) excuses|(?:nous|m') ?excuser|je regrette|nous regrettons|"
    r"lo (?:siento|sentimos|lamento|lamentamos)|(?:sentimos|lamentamos|lamento)|"
    r"disc[uú]lp[ae]\w*|perdon[ae]\w*|"
    r"sinto muito|desculpas?|desculpe\w*|"
    r"(?:mi|ci) (?:dispiace|scuso|scusiamo)|scus(?:a|i|ate)|spiacenti?|chied(?:o|iamo) scusa|"
    r"spijt (?:me|ons|mij)|(?:onze|mijn)(?: \w+)? excuses|excuses (?:voor|dat))\b"
    r"|(?:^|[,;:!.?]\s*|\b(?:oh(?: no)?|aww?|and|but|afraid)\W+)(?:so )?"
    r"(?:sorry|apologies|pardon|perd[oó]n|excuses)\b",
    re.IGNORECASE | re.MULTILINE,
)
_NO_APOLOGY = re.compile(
    r"\"[^\"\n]{1,300}\"|\u201c[^\u201d\n]{1,300}\u201d|\u00ab[^\u00bb\n]{1,300}\u00bb|"
    r"\u201e[^\u201c\u201d\n]{1,300}[\u201c\u201d]|"
    r"\b(?:no need|nothing|no reason|don't have|needn't|do not|don't|instead of|rather than|never)"
    r"(?: \w+){0,2} (?:apologi[sz]\w*|sorry|saying sorry)\b|\bno (?:apolog\w+|excuses)\b|"
    r"\bsafe than sorry\b|\bsorry[- ](?:state|looking|sight|excuse|tale|we missed you)\b|"
    r"\b[Ss]orry! (?:is|was|runs|costs|has|by|for (?:ages|two|up))\b|"
    r"\b(?:feels?|felt|says?|customers? \w+) sorry\b|\b(?:if|won't|will not|you|don't) regret\b|"
    r"\b(?:letter|card|template|word|note)s?,? (?:of |then )?apolog\w+|\bapology (?:letter|"
    r"template|"
    r"card|note|\d)|\bapolog\w+ (?:of|from) (?:last|the|yesterday|monday|tuesday)\b|"
    r"\b(?:kein(?:e)?|nicht n[öo]tig,? (?:sich )?zu) (?:entschuldig\w+)|"
    r"\bsie entschuldigen (?:ihr|das|den|die)\b|\bpas (?:besoin )?(?:de |d')(?:s'|vous )?excus\w+|"
    r"\b(?:no hay de qu[ée]|no (?:hace falta|necesita|tiene que)|n[ãa]o (?:precisa|tem)|"
    r"non (?:deve|c'è bisogno))(?: \w+){0,3} (?:disculp\w+|desculp\w+|scus\w+)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"\b(?:wait(?:ing)?|(?:the|for|on|thank you for|and) hold(?:ing)?|delay(?:ed)?|late(?:r)?|"
    r"slow|getting back|long "
    r"(?:message|text|mail|silence)|keep(?:ing)? you|interrupt\w*|bother\w*|disturb\w*|"
    r"catch (?:you|that|"
    r"your)|(?:did|could|do)(?: not|n't) (?:hear|understand|catch|get (?:that|your))|misread|"
    r"misheard|misunderst\w+|"
    r"mistyped|typo|meant|wrong (?:key|button|link|file|window|number)|hit (?:send|enter|the)|"
    r"forgot "
    r"(?:to|the)|muted|my (?:connection|line|microphone|audio|screen)|the (?:connection|line|"
    r"echo)|echo|dropped|"
    r"(?:say|repeat|spell) (?:that|it|your)|could you (?:repeat|say|spell)|come again|old (?:one|"
    r"price)|gave you|told you|i said|warte\w*|sp[äa]te\w*|verz[öo]ger\w*|attente|tardi\w+|retard|"
    r"espera|demora|tardanza|atraso|attesa|ritardo|wachten|late reactie|vertraging)\b",
    re.IGNORECASE,
)
_BAD_NEWS = re.compile(
    r"(?:\b(?:not|cannot|no longer|unable|impossible|unfortunately|afraid|only|maximum|minimum|"
    r"lowest|closed|discontinued|unavailable|non-?\w+able|(?:out of|not in) stock|sold out|"
    r"(?:fully "
    r"|all )?booked(?: out| up)|(?:fully) booked|no (?:\w+ ){1,2}(?:left|available|today|tonight|"
    r"free|"
    r"yet)|ran out|on holiday|declined|forbidden|nicht|kein\w*|leider|ausverkauft|ne|n'\w+ (?:pas|"
    r"plus)|[ée]puis[ée]\w*|complets?|no (?:se |lo |la |es )?\w+mos|agotad[oa]s?|no (?:es posible|"
    r"hay|tenemos)|n[ãa]o|esgotad[oa]s?|non|esaurit[oi]|niet|geen|uitverkocht)\b|n't\b)",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(?:we|i|it|that|this|they) (?:(?:is|are|am|do|does|currently|also) )?"
    r"(?:can't|cannot|can not|unable|don't|isn't|aren't|not (?:possible|available|allowed)|"
    r"no longer)"
    r"|\b(?:unfortunately|out of stock|sold out|fully booked|not possible|not available)\b",
    re.IGNORECASE,
)
_EMPTY_CAUSE = re.compile(
    r"\b(?:any|the|this|these|all|your) (?:\w+ )?(?:inconvenience|trouble|hassle|frustration|"
    r"confusion|bother|experience)s?\b",
    re.IGNORECASE,
)
_OWNS_UP = re.compile(
    r"\b(?:sorry|apolog\w+|regret)(?: \w+){0,2} (?:for|about) (?:the|our|this|that|"
    r"your) (?:\w+ ){0,2}"
    r"(?:error|mistake|mix-?up|fault|bug|outage|charge|defect|damage|mess|failure|missed|breakdown|"
    r"interruption|cancellation|loss)\b|"
    r"\bour (?:mistake|fault|error|bad)\b|\bthat (?:is|was) a (?:defect|bug|mistake|fault)\b|"
    r"\bhad a (?:typo|bug|mistake|fault|defect)\b|\bmade you feel\b|\bfeel (?:this|that) way\b|"
    r"\b(?:fixed|repaired|restored|reimbursed|put right)\b|\b(?:works?|working|runs?|up) again\b|"
    r"\b(?:is|are) back(?: up)?\b(?! in)|\bfix(?:es)? (?:it|this|that)\b|"
    r"\b(?:a|the) (?:new|right|correct) (?:one|copy|\w+) (?:is on (?:its|the) way|ships|leaves|"
    r"goes out|comes by)\b|\breplacement (?:is|ships|has)\b|"
    r"\b(?:error|fehler|erreur|erro|errore|fout)\b(?=[^.]*\.)",
    re.IGNORECASE,
)
_EMPATHY = re.compile(
    r"\b(?:i|we) (?:(?:can|do|fully|completely|totally|really|certainly) )*(?:understand|"
    r"appreciate|realize|realise|see|imagine|hear|know) (?:\w+ ){0,3}(?:how|frustrat\w*|concern\w*|"
    r"disappoint\w*|inconvenien\w*|upset\w*|worr\w*|stress\w*|annoy\w*|difficult\w*|feel\w*|"
    r"importan\w*)|"
    r"\bthat (?:must|sounds|has to) (?:be |have been )?(?:\w+ )?(?:frustrat\w*|annoy\w*|stress\w*|"
    r"difficult|upset\w*|hard|disappoint\w*|unpleasant|exhaust\w*)|\bi know how\b|"
    r"\bhow (?:stressful|frustrating|annoying|upsetting)\b|"
    r"\b(?:ich|wir) verstehen?|\bje comprends|\bentiendo (?:su|que)|\bcompreendo|\bcapisco\b|"
    r"\bik begrijp (?:dat|hoe|uw|je)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?]+[\"')\]]*|\n+|$)\s*")
_HEAD = re.compile(
    r"^\W*(?:(?:oh(?: no)?|aww?|hi|hello)\W+)?[^,!.?:;\n]{0,60}[,!:;]\s*"
    r"(?:(?:but|and|so|please note that)\b\s*)?(?=\w)",
    re.IGNORECASE,
)
_MAX_CHARS = 20_000
_MIN_REST_CHARS = 12
_INSIDE_FROM = 30
"""An apology that begins so far inside its sentence stands in the middle of an answer."""


def apologises(text: str) -> bool:
    """Whether a text apologises, other than by a courtesy within the talk or for bad news."""
    said = _read(text)
    parts = sentences(said)
    return any(
        _is_regret(part, parts[i + 1] if i + 1 < len(parts) else "")
        for i, part in enumerate(parts)
        if _APOLOGY.search(part)
    )


def has_needless_apology(query: str, response: str) -> bool:
    """Whether the response apologises although nothing went wrong that either side names."""
    return (
        apologises(response) and not _OWNS_UP.search(_read(response)) and not reports_fault(query)
    )


def is_empathetic(response: str) -> bool:
    """Whether the response shows that the customer's feelings were understood."""
    return bool(_EMPATHY.search(response[:_MAX_CHARS].replace("\u2019", "'")))


def sentences(text: str) -> list[str]:
    """The sentences of a text with their white space; joined again they are the text."""
    return [m[0] for m in _SENTENCE.finditer(text) if m[0]]


def without_apology(response: str, *, min_chars: int) -> str:
    """The response without its apologies; unchanged where too little would be left.

    An apology goes with its sentence, or alone where a comma parts it from the answer ("Sorry,
    hold the button"). In the middle of an answer it stays.
    """
    kept = "".join(_without(s) for s in sentences(response)).strip()
    return kept if len(kept) >= min_chars else response


def _read(text: str) -> str:
    return _NO_APOLOGY.sub(" ", text[:_MAX_CHARS].replace("\u2019", "'"))


def _is_regret(sentence: str, following: str) -> bool:
    """Whether an apologising sentence regrets more than a wait, a slip or bad news."""
    if _COURTESY.search(sentence):
        return False
    if _BAD_NEWS.search(_EMPTY_CAUSE.sub(" ", sentence)):
        return False
    return not _REFUSES.search(following)


def _without(sentence: str) -> str:
    if not apologises(sentence):
        return sentence
    head = _HEAD.match(sentence)
    if head and apologises(head[0]) and len(sentence) - head.end() >= _MIN_REST_CHARS:
        rest = sentence[head.end() :]
        return rest[0].upper() + rest[1:]
    found = _APOLOGY.search(sentence.replace("\u2019", "'"))
    return sentence if found and found.start() > _INSIDE_FROM else ""
