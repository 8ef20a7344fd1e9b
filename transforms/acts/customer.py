"""What a customer's turn does: names a need, replies, confirms, thanks, complains, and so on.

Pure; reads and writes no table. See `transforms.acts.kinds` for how the patterns read.
"""

import re
from collections.abc import Iterator

from transforms.acts.faults import names_fault
from transforms.acts.folded import any_of
from transforms.acts.kinds import (
    ASSENT,
    CLOSING,
    GREETING,
    SHORT_CHARS,
    SUBSTANCE,
    Act,
    CustomerAct,
    normal,
)
from transforms.acts.setbacks import MAX_WORDS, denies, is_setback

POLITE_CHARS = 60
"""A longer customer turn says more than thanks or goodbye."""

_SOLVED = any_of(
    r"(?<!\bif )(?<!\bhope )(?<!\bcase )(?<!\bwhether )\b(?:that|this|it|which)(?:'s| has| is|)"
    r"(?: now| finally| just)? (?:worked|fixed|did (?:it|the (?:trick|job))|helps?|helped|solved|"
    r"solves|sorted|resolved|does it|went through|cleared (?:it|that|things) up|clears)\b",
    # `normal` takes "like" for a filler.
    r"\b(?:works?|working|worked|fixed|solved|sorted|resolved) (?:now|again|fine|great|perfectly|"
    r"(?:like )?a (?:charm|dream|treat)|as expected|out|well)\b",
    r"\b(?:now|finally|already) (?:\w+ )?(?:works?|working|fixed|solved|sorted|resolved)\b",
    r"\b(?:was|were|am|are|been) (?:now |finally )?able to\b|\b(?:managed|figured) (?:it|that|to|"
    r"(?:it |that |this )?out)\b",
    r"(?<!can )(?<!could )(?<!may )(?<!should )(?<!do )(?<!did )(?<!if )"
    r"\bi(?: can|'ve| have|'m| am)?(?: now| finally| just)? (?:see|found|find|got|open|access|"
    r"received|back|logged|in)\b[^.!?]{0,30}\b(?:now|again|at last|already|finally)\b",
    r"\b(?:answers?|answered|clears?|cleared) (?:\w+ )?(?:my (?:question|doubts?)|up)\b",
    r"\b(?:taken care of|in (?:perfect )?order now|up and running|back (?:in|to normal))\b",
    r"\b(?:all|everything(?:'s| is)?) (?:good|set|fine|sorted|clear|working|there|done|"
    r"in order)(?: now)?\b",
    r"\b(?:problem|issue|question) (?:is )?(?:solved|resolved|sorted|fixed|answered|gone)\b",
    r"\b(?:it|that|this)(?:'s| is) (?:working|fixed|solved|perfect|sorted|exactly|all i needed|"
    r"what i needed)\b",
    r"\b(?:exactly|just) what i (?:needed|wanted|was looking for)\b",
    r"\b(?:got it|found it|i see it now|that(?:'s| is) (?:clear|all|everything)|"
    r"that'?ll be all|no,? that(?:'s| is) (?:all|it))\b",
    r"\b(?:very|so|really|super) helpful\b",
    r"\b(?:funktioniert|klappt|hat (?:geklappt|geholfen|funktioniert)|erledigt|gefunden|"
    r"angekommen|alles klar)\b",
    r"\b(?:[çc]a (?:marche|fonctionne)|r[ée]solu|c'est (?:bon|r[ée]gl[ée])|trouv[ée]e?|"
    r"re[çc]ue?)\b",
    r"\b(?:ya (?:funciona|est[áa]|lo tengo)|funciona ahora|solucionado|resuelto|encontrado|"
    r"llegado)\b",
    r"\b(?:j[áa] (?:funciona|consegui|chegou)|resolvido|funcionou|deu certo|entendi|consegui)\b",
    r"\b(?:(?:ora )?funziona|risolto|trovat[oa]|ricevut[oa]|tutto (?:chiaro|a posto))\b",
    r"\b(?:het werkt|opgelost|gelukt|gevonden|ontvangen)\b",
)
_SUCCEEDED = any_of(
    r"\b(?:sorted|solved|fixed|resolved|mended|repaired|restored|worked|works|working|succeeded|"
    r"successful(?:ly)?|accepted|approved|credited|job done|all (?:done|good|set|"
    r"fine|clear|ok(?:ay)?|well))\b",
    r"\b(?:go(?:es)?|gone|went|got|gets|came|comes|lets?|letting|logged|signed|made)"
    r"(?: (?:it|me|us|everything))? (?:through|thru|in|done|back|sorted|working)\b",
    r"\b(?:showing|shows|appears?|appeared|there|visible|arrived|received|found)"
    r"(?: (?:it|up|them|everything|mine))* (?:now|just now|today|at last|finally|already)\b",
    r"\b(?:got|have|received|found) (?:the|my|an?|your) (?:solution|answer|info\w*|mail|e-?mail|"
    r"code|link|parcel|package|refund|money)\b",
    r"\b(?:answer|cover|explain|clear)(?:s|ed) (?:it |that )?(?:everything|all|nicely|well)\b",
    r"\bno (?:more|further|other) (?:questions|problems|issues|trouble)\b",
    r"\bi (?:now )?(?:see|understand|get it)(?: it| that)? (?:now|completely)\b|"
    r"\b(?:happy|content|satisfied|pleased) with (?:that|this|it|the)\b|"
    r"\b(?:makes|made) sense\b|\bback (?:up|online|on|in)\b",
    r"\b(?:that|this|it)(?:'s| is| was)?(?: \w+)? (?:what|all|everything|the \w+) i "
    r"(?:\w+ )?(?:needed|wanted|asked|meant)\b",
)
"""What went well; a short turn with it confirms unless something in it is denied or wished for."""

_NOT_YET = any_of(
    r"\?|\b(?:if|whether|hope|hoping|should|would|could|can|will|want|need|wish|please|pls|until|"
    r"till|once|when|before|how|why|where|which|stopp?(?:ed|s)?|used to|supposed|promised|told|"
    r"said|says|claim(?:s|ed)?|marked|closed|according|was working|only|almost|nearly|barely)\b"
)
"""Beside one of these, what went well did not yet, or somebody else says so."""

_PRAISE = any_of(
    r"\b(?:superb|splendid|marvell?ous|terrific|fabulous|spot on|delighted|thrilled|hoor+ay|"
    r"hurra[hy]|yay+|yippee|phew|bingo|bravo|life ?saver|nice one|(?:good|nice|great) (?:job|work|"
    r"stuff)|(?:you're|you are) (?:an? |the |my )?(?:\w+ )?(?:star|legend|best|angel|gem|hero|"
    r"champ(?:ion)?))\b|"
    r"\b(?:perfect|great|awesome|excellent|wonderful|brilliant|fantastic|amazing|super|toll|klasse|"
    r"perfekt|prima|parfait|impeccable|g[ée]nial|perfecto|estupendo|perfeito|[óo]timo|perfetto|"
    r"ottimo|geweldig)\b"
)
"""Confirms what was done, unless it is meant the other way round."""

_SOURED = any_of(
    r"\bstill\b(?! (?:works?|working|good|fine|have (?:a|one|another) question))",
    r"\b(?:perfect|great|brilliant|wonderful|excellent) (?:timing|start)\b|\b(?:now|and) even\b",
    r"\b(?:for nothing|yet again|of course (?:it|not)|as (?:always|usual)|what a (?:joke|mess))\b",
    r"\b(?:breaks?|broke|fails?|failed|died|gone|crashed|happen(?:s|ed)|went) again\b",
    r"\bnow (?:it|that|my \w+|the \w+|nothing|i) (?:\w+ )?(?:won't|can't|doesn't|isn't|no|not|"
    r"gone)\b",
    r"\b(?:immer noch|noch immer|jetzt geht (?:gar )?nichts|toujours (?:pas|rien|en panne)|"
    r"encore en panne|todav[ií]a|sigue (?:sin|igual)|ainda (?:n[ãa]o|sem)|"
    r"ancora (?:non|rott[oa])|nog (?:steeds|altijd))\b",
)
"""Praise beside one of these is sarcasm."""

MOST_FAULT_WORDS = 14
"""A longer turn may begin with another need."""

_WANTS = any_of(
    r"\b(?:want|wanna|need|would like|i'd like|help|how|what|where|when|who|can|could|please|pls|"
    r"assist\w*|trying|report|questions?|refund|cancel|lodge|file|my|i have|i've got)\b"
)
"""A fault beside one of these may be what somebody wants to have dealt with next."""

_TEASES = any_of(r"\bthank(?:s| you) for nothing\b|\bno thanks to you\b")

_ASKS_ON = any_of(
    # A question of some words; "right?" asks nothing new.
    r"\b\w{1,30}[^\w?.!\n]{1,4}\w{1,30}[^\w?.!\n]{1,4}(?!(?:right|correct|ok(?:ay)?|yes|no)\W)"
    r"\w{1,30}\W{0,2}\?",
    r"^\W*(?:(?:ok(?:ay)?|great|perfect|super|good|cool|thanks?|thank you|thx|cheers|got it|that "
    r"(?:worked|helps?|helped)|yes|yeah|no|very|much|a lot|so|and|but|now|then)\b\W*)+"
    r"(?:how (?!nice|kind|lovely|helpful|great|fast|quick)|what (?!an?\b|i (?:needed|wanted))|"
    r"where|when|which|who|why|(?:can|could|may|do|does|will|would|is there|are there) (?:i|you|"
    r"we|it|the|my|your|that|this|a|an|any|there)\b)",
)
"""Somebody who is content and asks the next thing in the same breath."""

THANKS_WORDS = 4
"""With more words beside it, thanks before any answer is a courtesy around a need."""

_STILL = any_of(
    r"^\W*(?:(?:hm+|no|nope|and|but|it|it's|it is|that's|the \w+(?: is)?|my \w+(?: is)?|"
    r"everything(?: is)?|sorry|thanks|ok(?:ay)?)[\s,.!]*){0,3}still\b"
    r"(?! (?:works?|working|good|fine|have (?:a|one|another)|under|here|there|thinking|need to))"
)
"""What is still so after an answer has not been mended by it."""
_STUCK = any_of(
    r"\bstill (?:\w+ ){0,2}(?:not|doesn't|does not|isn't|broken|no|the same|failing|fails|waiting|"
    r"can't|cannot|won't|getting|get|have|unable|stuck|happening|there|wrong|missing|without)\b",
    # A machine that goes on doing something: "it still refuses my login".
    r"\bit still (?:just |only )?(?!works|helps|runs|fits|counts|is\b|was\b|has\b"
    r"|makes sense)\w+s\b",
    r"\b(?:is|it's|are|was) still (?:\w+ ){0,2}(?:the same|broken|not|wrong|failing|missing)\b",
    r"\b(?:didn't|did not|doesn't|does not|don't|won't|isn't|is not|hasn't|has not|wasn't)"
    r"(?: \w+){0,2} (?:work|working|worked|help|helping|fix|fixed|solve|solved|"
    r"resolved|it|what i)\b",
    r"\bnot (?:working|solved|fixed|resolved|helpful|what i|my order|right|correct)\b",
    r"\bno (?:luck|use|good|change)\b",
    r"\b(?:same|another|new) (?:problem|error|issue|message|thing)\b",
    r"\bsame (?:result|outcome|story|trouble|fault|screen)\b",
    r"\b(?:already|also|had) (?:tried|did|done|checked)\b",
    r"\b(?:fails?|failed|failing|broken|useless|hopeless|ridiculous|unacceptable|nonsense)\b",
    r"\b(?:give|gave|giving) up\b",
    r"\b(?:never ?mind|forget (?:it|about it)|cancel (?:it|that|everything)|leave it)\b",
    r"\b(?:(?:stop|cancel|delete|drop|scrap|skip|undo|abort) (?:the|that|this|my) (?:whole )?order|"
    r"don't (?:bother|place (?:it|that|the order))|rather not|changed my mind|not mine|wrong one|"
    r"(?:some|any)where else|another (?:day|time)|(?:i'll|i will) (?:skip|pass|leave))\b",
    r"\b(?:that's|that is|this is|it's) (?:wrong|incorrect|not)\b",
    r"\b(?:i )?meant (?:something|another)\b",
    r"\bread my (?:message|question|mail|e-?mail)\b",
    r"\bwant my money back\b",
    r"\b(?:geht|funktioniert|klappt|hilft) (?:\w+ ){0,2}(?:nicht|immer noch nicht)\b",
    r"\b(?:ne|n') ?(?:marche|fonctionne|aide) (?:toujours )?pas\b",
    r"\b(?:sigue sin|no (?:me )?(?:funciona|sirve|ayuda))\b",
    r"\b(?:n[ãa]o (?:funciona|funcionou|ajuda|resolve))\b",
    r"\bnon (?:funziona|va|aiuta)\b",
    r"\bwerkt (?:nog (?:steeds )?)?niet\b",
)
_WAITS = any_of(
    r"\b(?:i(?:'ll| will) (?:wait|be waiting)|(?:ok(?:ay)?|fine),? (?:i(?:'ll| will) )?wait)\b",
    r"\b(?:please )?(?:let me know|keep me (?:posted|updated))\b",
)
_ASKS_WHEN = any_of(
    r"\bwhen (?:will|can|should) (?:that|this|it|they|i|you|someone)\b",
    r"\bhow long (?:will|does|is)\b.{0,20}\btake\W*$",
)
_THANKS = any_of(
    r"\b(?:thank(?:s| you)?|thx|ty|cheers|appreciate\w*|danke|vielen dank|merci|gracias|"
    r"obrigad[oa]|grazie|bedankt|dank je)\b"
)
_AGREES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|ok(?:ay)?|sure|no|nope|ah|oh|that(?:'s| is)|it(?:'s| is)|looks)\b"
    r"(?!.*\b(?:work(?:s|ed)|solved|fixed|sorted|resolved|thank)\b)",
)
"""A reply to the agent's question; what it agrees to need not be that the problem is gone."""

_OPENS_NEW_NEED = any_of(
    r"^\W*(?:(?:and|oh|ok(?:ay)?|great|perfect|cool|thanks|thank you|now|then)\W+){0,3}(?:also|"
    r"additionally|furthermore|moreover|besides|separately)\b|"
    r"\bon (?:a|another) (?:separate|different|side|related) (?:note|subject|matter)\b|"
    r"\b(?:next|second|last|final|further|different|separate) (?:question|thing|issue|problem|"
    r"matter|topic|point)\b|\bbefore (?:you|i) (?:go|leave)\b|"
    r"\b(?:one (?:more|other|last) (?:thing|question)|another (?:question|thing|issue|problem)|"
    r"something else|also,|by the way|btw|while (?:i have you|you're at it|i'm here)|"
    r"(?:and )?(?:one|a) (?:second|other) (?:question|thing)|noch (?:eine|etwas)|"
    r"autre (?:chose|question)|otra (?:cosa|pregunta)|outra (?:coisa|pergunta)|altra cosa)\b"
)


MAX_REPLY_WORDS = 8
"""Before any need was named, a longer reply to a question names it."""


def customer_act(
    text: str, *, before: Act, is_first: bool, is_settled: bool = False
) -> CustomerAct:
    """What a customer's turn does, after the agent's last act (`none` where there was none).

    Args:
        text: what the customer said.
        before: the agent's last act.
        is_first: the customer has named no need yet.
        is_settled: they were content with the last answer; what they deny then is another matter.
    """
    signs = _customer_signs(normal(text), before, is_first=is_first, is_settled=is_settled)
    return next((act for act, is_shown in signs if is_shown), "need")


def _customer_signs(
    said: str, before: Act, *, is_first: bool, is_settled: bool
) -> Iterator[tuple[CustomerAct, bool]]:
    is_short = len(said) <= SHORT_CHARS
    has_answer = before not in ("none", "greeting")
    is_put_off = before in ("hand_over", "defer", "hold")
    yield "backchannel", not said
    yield "greeting", bool(GREETING.search(said))
    yield "need", not is_first and bool(_OPENS_NEW_NEED.search(said))
    yield "complaint", has_answer and is_short and bool(_STUCK.search(said))
    yield "complaint", before in SUBSTANCE and is_short and bool(_STILL.search(said))
    yield "complaint", has_answer and is_short and _is_sarcasm(said)
    yield "complaint", before in SUBSTANCE and is_short and not is_settled and _is_setback(said)
    yield "complaint", before in SUBSTANCE and not is_settled and not is_first and _is_fault(said)
    yield "reply", before == "ask" and bool(ASSENT.match(said))
    yield "need", before == "ask" and is_first and len(said.split()) > MAX_REPLY_WORDS
    yield "wait", is_put_off and _awaits(said)
    yield "reply", before == "ask" and is_short and bool(_AGREES.match(said))
    yield "need", has_answer and before != "ask" and _asks_on(said)
    yield "confirm", has_answer and is_short and _confirms(said)
    yield "thanks", len(said) < POLITE_CHARS and _thanks(said, has_answer=has_answer)
    yield "closing", len(said) < POLITE_CHARS and bool(CLOSING.search(said))
    yield "backchannel", bool(ASSENT.match(said))
    yield "reply", before == "ask"
    yield "wait", has_answer and bool(_WAITS.search(said))


def _awaits(said: str) -> bool:
    """Whether somebody who was put off agrees to wait, or asks for how long."""
    return bool(_WAITS.search(said) or _ASKS_WHEN.search(said) or ASSENT.match(said))


def _thanks(said: str, *, has_answer: bool) -> bool:
    """Whether a turn thanks; thanks that come first stand beside what is asked for."""
    rest, found = _THANKS.subn(" ", said)
    return bool(found) and (has_answer or len(rest.split()) <= THANKS_WORDS)


def _confirms(said: str) -> bool:
    return bool(_SOLVED.search(said) or _PRAISE.search(said)) or _succeeded(said)


def _succeeded(said: str) -> bool:
    """Whether a turn tells of success only."""
    if len(said.split()) > MAX_WORDS or not _SUCCEEDED.search(said):
        return False
    return not (_NOT_YET.search(said) or denies(said) or names_fault(said))


def _is_setback(said: str) -> bool:
    is_solved = bool(_SOLVED.search(said))
    if is_solved and not _THANKS.search(said):
        return False
    return is_setback(
        said, is_content=is_solved or bool(_PRAISE.search(said) or _THANKS.search(said))
    )


def _is_fault(said: str) -> bool:
    """Whether a few words after an answer tell of nothing but a fault."""
    if len(said.split()) > MOST_FAULT_WORDS or "?" in said or _WANTS.search(said):
        return False
    return names_fault(said) and not (_SOLVED.search(said) or _SUCCEEDED.search(said))


def _is_sarcasm(said: str) -> bool:
    """Whether praise comes with what went wrong, and with no question of its own."""
    if _TEASES.search(said):
        return True
    if not _PRAISE.search(said) or _SOLVED.search(said) or _asks_on(said):
        return False
    return bool(_SOURED.search(said)) or names_fault(said)


def _asks_on(said: str) -> bool:
    """Whether a turn that is content also asks something."""
    is_content = bool(_SOLVED.search(said) or _PRAISE.search(said) or _THANKS.search(said))
    return is_content and bool(_ASKS_ON.search(said))
