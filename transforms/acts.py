"""What each turn does in its conversation: asks, answers, puts off, confirms, complains, and so on.

Reads and writes no table. Resolution (`transforms.resolution`) and pair mining
(`transforms.pairs`) stand on these acts. Patterns are of service talk in general (English first,
the common ones in German, French, Spanish, Portuguese, Italian and Dutch) and read recognised
speech as well: no capital, no punctuation, fillers inside.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

from deskwheel.records import Role, Utterance
from transforms.apology import sentences
from transforms.folded import any_of, lowered
from transforms.repeats import kept_for_short

AgentAct = Literal[
    "greeting", "hold", "ask", "hand_over", "defer", "refuse", "complete", "offer_more",
    "closing", "answer", "backchannel",
]  # fmt: skip
CustomerAct = Literal[
    "greeting", "need", "reply", "confirm", "thanks", "complaint", "wait", "closing", "backchannel"
]
Act = AgentAct | CustomerAct | Literal["none"]

SHORT_CHARS = 200
"""A longer turn answers, whatever polite phrase it begins or ends with."""

HOLD_CHARS = 100
"""A longer turn that also asks for patience has said something before."""

SUBSTANCE_CHARS = 45
"""A sentence that is longer than a courtesy."""

MIN_ANSWER_CHARS = 24
"""Shorter agent turns without a sign of their own say nothing ("Okay.", "Let me see")."""

POLITE_CHARS = 60
"""A longer customer turn says more than thanks or goodbye."""

MAX_MATCHED_CHARS = 4000
"""Acts show within the first and last sentences; a pasted log is not searched."""


_APOSTROPHE = re.compile("[\u2019\u2018\u02bc]")
_BARE_NEGATION = re.compile(
    r"\b(do|does|did|ca|wo|is|are|was|were|has|have|had|could|would|should)nt\b"
)
"""Speech recognisers and people in a hurry leave the apostrophe out."""

_FILLER = re.compile(
    r"\b(?:uh+|um+|er+m?|hmm+|mm+|i mean|you know|kind of|sort of|well|like|so)\b,?\s*",
)
_REPEATED = re.compile(r"\b(\w+)(?:\s+\1\b)+")

_GREETING = any_of(
    r"^\W*(?:hi+|hiya|hello|hey|howdy|good (?:morning|afternoon|evening|day)|greetings|hallo|"
    r"guten (?:tag|morgen|abend)|bonjour|bonsoir|hola|buen[oa]s (?:d[ií]as|tardes|noches)|"
    r"ol[áa]|bom dia|boa (?:tarde|noite)|ciao|buongiorno|salve|goede(?:morgen|middag|dag))"
    r"(?: there| all| team| everyone| again)?\W*$",
    r"\bis (?:any ?one|some ?one|anybody|somebody) there\W*$",
)
_WELCOMES = any_of(
    r"\bhow (?:can|may|could) (?:i|we) (?:help|assist|be of)",
    r"\bwhat can (?:i|we) (?:do|help|get)",
    r"^\W*(?:\w+ ){0,4}thank(?:s| you) for (?:contacting|calling|reaching|chatting|getting in "
    r"touch|writing)\b.{0,40}\b(?:how|what|which)\b",
    r"\bwelcome to\b",
    r"\bwhat(?:'s| is) going on\b",
    r"^\W*(?:\w+ ){0,3}(?:my name is|this is|you(?:'re| are) (?:speaking|chatting|talking) "
    r"(?:to|with))\b",
    r"\bwie kann ich (?:ihnen )?helfen",
    r"\bcomment puis-je vous aider",
    r"\ben qu[ée] puedo ayudar",
    r"\bcomo posso ajudar",
    r"\bcome posso aiutar",
    r"\bwaarmee kan ik",
)
_HOLD = any_of(
    r"\b(?:one|a|just a|give me a|bear with me|another) (?:moment|minute|second|sec|few minutes|"
    r"couple of minutes)\b",
    r"\bbear with (?:me|us)\b",
    r"\b(?:let me|i(?:'ll| will| am going to)|allow me to) (?:just |quickly )?(?:check|look|see|"
    r"pull|find out|have a look|take a look|verify)\b",
    r"\b(?:checking|looking) (?:into|at|on|up)? ?(?:it|this|that|your|now)",
    r"\b(?:please )?hold (?:on|please|the line)\b",
    r"\bthank(?:s| you) for (?:waiting|holding|your patience)",
    r"\b(?:einen|kleinen) (?:augenblick|moment)\b",
    r"\bun (?:instant|momento|moment|attimo)\b",
    r"\bmomentje\b",
)
_HAND_OVER = any_of(
    r"\b(?:transfer(?:ring|red)?|escalat\w+|redirect(?:ing|ed)?) (?:you|this|your|the|it|to)\b",
    r"\b(?:connect|put|pass|passing|forward|forwarding|forwarded|hand|handing|refer|referring) "
    r"(?:you|this|it|your \w+|the \w+) (?:through|over|on|along|to|with|for)\b",
    r"\b(?:opened|raised|created|logged|filed) (?:a|an|the) (?:\w+ )?(?:ticket|case|incident) "
    r"(?:with|for|to)\b",
    r"\b(?:specialist|supervisor|manager|colleague|technician|(?:\w+ )?team|department|they) "
    r"(?:will|'ll|is going to|are going to) (?:call|contact|reach|get back|be in touch|follow up|"
    r"write|e-?mail)\b",
    r"\b(?:second|2nd|next|third) (?:line|level)\b",
    r"\b(?:another|the right|a different|the correct|the relevant|our (?:\w+ ){0,2}) ?department\b"
    r".{0,40}\b(?:now|moment|line)\b",
    r"\bconnect you with the (?:right|correct|appropriate|relevant)\b",
    r"\b(?:verbinde|leite) (?:sie|ihre|dies)",
    r"\b(?:transf[ée]r|transmets|transmet)\w* (?:votre|vous|la|le)\b",
    r"\b(?:le|lo|la) (?:paso|transfiero|transferir[ée])\b",
)
_DEFER = any_of(
    r"\b(?:request|call|message|feedback|inquiry|enquiry|opinion|business) is (?:very )?"
    r"(?:important|valuable)\b",
    r"\b(?:answered|handled|processed|dealt with) in the order\b",
    r"\b(?:take|taken) (?:it|this|that|your \w+) into (?:account|consideration)\b",
    r"\b(?:we|i)(?:'ll| will) (?:get back|be in touch|look into it|come back|let you know|"
    r"follow up|investigate)\b",
    r"\bnothing (?:more )?(?:i|we) can (?:do|say)\b",
    r"\bhave (?:received|got) your (?:request|message|e-?mail)\b",
    r"\b(?:check|try|call|come|write) (?:again|back) (?:later|tomorrow|in a|next)\b",
)
_REFUSE = any_of(
    r"\b(?:don't|do not|doesn't|does not) (?:\w+ ){0,2}(?:have|carry|sell|offer|serve|stock|"
    r"provide|support)\b",
    r"\b(?:isn't|is not|aren't|are not|not) (?:\w+ ){0,3}(?:available|possible|on (?:our|the) menu|"
    r"in stock|an option|something (?:we|i))\b",
    r"\b(?:can't|cannot|can not|couldn't|could not|unable to|not able to|not allowed to) "
    r"(?:\w+ ){0,2}(?:help|assist|do|find|answer|offer|provide|add|process|complete|place|make|"
    r"order|see|locate)\b",
    r"\bnot (?:seeing|finding) (?:a|an|any|that|the|your)\b",
    r"\bno (?:\w+ ){0,3}(?:available|in stock|found|items?)\b",
    r"\b(?:out of stock|sold out|discontinued|unavailable)\b",
    r"\bunfortunately\b",
)
_COMPLETE = any_of(
    r"\b(?:it|that|this|they|order|drinks?|items?|food|package|everything|\w+)"
    r"(?:'ll| will| should|s will) be (?:\w+ ){0,3}(?:ready|up|out|done|made|there|shipped|sent|"
    r"delivered|refunded|credited|processed|prepared|waiting|available|yours)\b",
    r"\b(?:has|have|'ve|was|were|is|are)(?: now| just| successfully| already)? been "
    r"(?:\w+ ){0,1}(?:placed|sent|cancell?ed|changed|updated|processed|transferr?ed|transfer|"
    r"refunded|credited|created|scheduled|booked|reset|activated|unlocked|removed|added|replaced|"
    r"issued|ordered|fixed|resolved|completed|confirmed|closed|submitted)\b",
    r"\bi(?:'ve| have| just|)(?: now| just| gone ahead and)? (?:placed|sent|cancell?ed|changed|"
    r"updated|processed|transferr?ed|refunded|credited|created|scheduled|booked|reset|activated|"
    r"unlocked|removed|added|replaced|issued|ordered|fixed|submitted)\b",
    r"\b(?:get|getting|have|having) (?:your|that|it|this|the) (?:\w+ ){0,3}(?:ready|made|started|"
    r"going|sent|out|done)\b",
    r"\b(?:order|drinks?|it|that) (?:is|are|'s) (?:on (?:its|the) way|being (?:made|prepared)|"
    r"(?:now )?(?:placed|in|ready|complete|confirmed|set|done))\b",
    r"\b(?:you(?:'re| are)|it's|that's|we're) all set\b",
    r"\bpick (?:it|that|them|your \w+|up your \w+|up)\b.{0,40}\b(?:minutes?|shortly|soon|up|bar|"
    r"counter|ready)\b",
    r"\b(?:ready|out|up|made|done) (?:for you |for pick ?up )?(?:soon|shortly|in (?:a|about|\d)|"
    r"real soon|momentarily|very soon)\b",
    r"\b(?:we|i)(?:'ll| will)? (?:bring|have|get) (?:it|that|this|your|those) (?:\w+ ){0,3}"
    r"(?:out|over|ready|for you|at)\b",
    r"\b(?:at|over at) the (?:bar|counter|desk|\w+ bar) (?:in|soon|shortly)\b",
    r"\b(?:sending|sent) (?:it|that|your order|the order) (?:off|over|to)\b",
    r"\benjoy your\b",
)
_OFFER_MORE = any_of(
    r"\b(?:anything|something) else\b", r"\bany (?:other|more|further) (?:questions?|help)\b"
)
_CLOSING = any_of(
    r"\byou(?:'re| are)?(?: so| very| most)* welcome\b",
    r"\bhave (?:a|an) (?:\w+ )?(?:great|good|nice|lovely|wonderful|pleasant|one|day|evening|"
    r"weekend)\b",
    r"\btake care\b",
    r"\b(?:good ?bye|bye(?:-| )?bye|bye|see you|farewell)\b",
    r"\b(?:glad|happy|pleased) (?:i|we|to|that)\b.{0,30}\b(?:help|assist|hear)",
    r"\bmy pleasure\b",
    r"\bno (?:problem|worries)\W*$",
    r"\bthank(?:s| you) for (?:contacting|calling|reaching|chatting|choosing|shopping|being)\b",
    r"\b(?:auf wiedersehen|sch(?:ö|oe)nen tag|bonne journ[ée]e|au revoir|buen d[ií]a|"
    r"que tenga|buona giornata|arrivederci|fijne dag|tot ziens|gern geschehen|de rien|de nada)\b",
)
_ASKS = any_of(
    r"\?\s*$",
    r"^(?:\W*(?:ok(?:ay)?|sure|alright|alrighty|great|yes|yep|and|thanks?|thank you|please|"
    r"certainly|of course|got it|perfect|for security(?: reasons)?|before \w+.{0,60})[\s,.!]*)*"
    r"(?:could|can|may|might|would|will|do|does|did|is|are|was|were|have|has|what|which|when|"
    r"where|who|how|why)\b(?!.{400})",
    r"\b(?:please|just|can you|could you|kindly) (?:just )?(?:confirm|verify|check|review|"
    r"look over|make sure|provide|tell|give|send|share|let me know|describe|explain)\b",
    r"\b(?:does|do|is|are) (?:this|that|it|everything|all|the \w+|your \w+)(?: \w+){0,3} "
    r"(?:look|looks|right|correct|accurate|okay|ok|good)\b",
    r"\b(?:i(?:'ll)? need|may i have|can i (?:have|get)) (?:your|the|a|some|to know)\b",
    r"\bwhat (?:else|kind|size|type|would you)\b",
    r"\b(?:if|once|when|after) (?:that|this|it|everything|all|you)(?: \w+){0,3} (?:looks?|is|are|"
    r"do|does|confirm\w*|correct|right|good)\b",
    r"\bconfirm (?:that|they|it|your|the)\b",
)
_CONDITION = any_of(
    r"\b(?:if|once|when|after|before) (?:that|this|it|everything|all|you|i|we)\b.{0,80}\b(?:i|we)"
    r"(?:'ll| will| can)\b",
    r"\bconfirm\b.{0,80}\b(?:i|we)(?:'ll| will| can)\b",
)
_STEPS = any_of(
    r"(?:^|\n)\s*(?:\d+[.)]|[-*•])\s+\S",
    r"\b(?:follow these|these (?:are the )?steps|step by step)\b",
    r"\bhere(?:'s| is| are) (?:how|what|the)\b",
    r"\b(?:log (?:in|into)|sign in|go to|navigate to|click|visit|select|head over|open the)\b",
)

_CONFIRM = any_of(
    r"\b(?:that|this|it|which)(?:'s| has| is|)(?: now| finally| just)? (?:worked|fixed|did it|"
    r"helps?|helped|solved|solves|sorted|resolved|does it|did the trick)\b",
    r"\b(?:works?|working|fixed|solved|sorted|resolved) (?:now|again|fine|great|perfectly|like a "
    r"charm|as expected)\b",
    r"\b(?:all|everything(?:'s| is)?) (?:good|set|fine|sorted|clear|working)(?: now)?\b",
    r"\b(?:problem|issue|question) (?:is )?(?:solved|resolved|sorted|fixed|answered|gone)\b",
    r"\b(?:it|that|this)(?:'s| is) (?:working|fixed|solved|perfect|sorted|exactly|all i needed|"
    r"what i needed)\b",
    r"\b(?:exactly|just) what i (?:needed|wanted|was looking for)\b",
    r"\b(?:perfect|great|awesome|excellent|wonderful|brilliant|fantastic|amazing|super)\b",
    r"\b(?:got it|found it|i see it now|that(?:'s| is) (?:clear|all|everything)|"
    r"that'?ll be all|no,? that(?:'s| is) (?:all|it))\b",
    r"\b(?:very|so|really|super) helpful\b",
    r"\b(?:funktioniert|klappt|hat (?:geklappt|geholfen|funktioniert)|perfekt|erledigt)\b",
    r"\b(?:parfait|[çc]a (?:marche|fonctionne)|r[ée]solu|c'est bon|impeccable)\b",
    r"\b(?:perfecto|ya funciona|funciona ahora|solucionado|resuelto|genial)\b",
    r"\b(?:perfeito|j[áa] funciona|resolvido|funcionou|deu certo)\b",
    r"\b(?:perfetto|(?:ora )?funziona|risolto)\b",
    r"\b(?:perfect|het werkt|opgelost|gelukt)\b",
)
_STUCK = any_of(
    r"\bstill (?:\w+ ){0,2}(?:not|doesn't|does not|isn't|broken|no|the same|failing|fails|waiting|"
    r"can't|cannot|won't|getting|get|have|unable|stuck|happening|there|wrong|missing)\b",
    r"\b(?:is|it's|are|was) still (?:\w+ ){0,2}(?:the same|broken|not|wrong|failing|missing)\b",
    r"\b(?:didn't|did not|doesn't|does not|don't|won't|isn't|is not|hasn't|has not|wasn't)"
    r"(?: \w+){0,2} (?:work|working|worked|help|helping|fix|fixed|solve|solved|"
    r"resolved|it|what i)\b",
    r"\bnot (?:working|solved|fixed|resolved|helpful|what i|my order|right|correct)\b",
    r"\bno (?:luck|use|good|change)\b",
    r"\b(?:same|another|new) (?:problem|error|issue|message|thing)\b",
    r"\b(?:already|also) (?:tried|did|done|checked)\b",
    r"\b(?:fails?|failed|failing|broken|useless|hopeless|ridiculous|unacceptable|nonsense)\b",
    r"\b(?:give|gave|giving) up\b",
    r"\b(?:never ?mind|forget (?:it|about it)|cancel (?:it|that|everything)|leave it)\b",
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
    r"\bwhen (?:will|can|should) (?:that|this|it|they|i|you|someone)\b",
    r"\bhow long (?:will|does|is)\b.{0,20}\btake\W*$",
    r"\b(?:please )?(?:let me know|keep me (?:posted|updated))\b",
)
_THANKS = any_of(
    r"\b(?:thank(?:s| you)?|thx|ty|cheers|appreciate\w*|danke|vielen dank|merci|gracias|"
    r"obrigad[oa]|grazie|bedankt|dank je)\b"
)
_ASSENT = re.compile(
    r"^\W*(?:(?:yes|yep|yeah|yup|sure|ok(?:ay)?|fine|right|correct|alright|no|nope|nah|mm ?hmm|"
    r"hm+|uh ?huh|oh|um+|please|it (?:is|does)|that(?:'s| is) (?:right|correct|fine|it)|"
    r"looks? (?:good|right|correct|fine)(?: to me)?|go ahead|sounds good|i see|i did|both|"
    r"not sure|good|great|ja|nein|oui|non|s[ií]|sim|nee)[\s,.!]*)+\W*$",
)
_AGREES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|ok(?:ay)?|sure|no|nope|ah|oh|that(?:'s| is)|it(?:'s| is)|looks)\b"
    r"(?!.*\b(?:work(?:s|ed)|solved|fixed|sorted|resolved|thank)\b)",
)
"""A reply to the agent's question; what it agrees to need not be that the problem is gone."""

_OPENS_NEW_NEED = any_of(
    r"\b(?:one (?:more|other|last) (?:thing|question)|another (?:question|thing|issue|problem)|"
    r"something else|also,|by the way|btw|while (?:i have you|you're at it|i'm here)|"
    r"(?:and )?(?:one|a) (?:second|other) (?:question|thing)|noch (?:eine|etwas)|"
    r"autre (?:chose|question)|otra (?:cosa|pregunta)|outra (?:coisa|pergunta)|altra cosa)\b"
)


@kept_for_short
def normal(text: str) -> str:
    """The text as the patterns read it.

    In lower case, with one kind of apostrophe, without fillers and doubled words.
    """
    text = lowered(text)
    if len(text) > MAX_MATCHED_CHARS:
        text = f"{text[: MAX_MATCHED_CHARS // 2]}\n{text[-MAX_MATCHED_CHARS // 2 :]}"
    text = _APOSTROPHE.sub("'", text)
    text = _BARE_NEGATION.sub(r"\1n't", text)
    return _REPEATED.sub(r"\1", _FILLER.sub("", text)).strip()


@kept_for_short
def agent_act(text: str) -> AgentAct:
    """What an agent's turn does; the first sign that fits, in the order in which they mislead."""
    said = normal(text)
    act = _one_act(said)
    if act in POLITENESS and len(said) > SUBSTANCE_CHARS:
        # A greeting or farewell around an answer in one message.
        others = {_one_act(s.strip()) for s in sentences(said) if len(s) > SUBSTANCE_CHARS}
        return next((a for a in ("complete", "answer") if a in others), act)
    return act


def _one_act(said: str) -> AgentAct:
    return next((act for act, is_shown in _agent_signs(said) if is_shown), "answer")


def _agent_signs(said: str) -> Iterator[tuple[AgentAct, bool]]:
    """Sign by sign, each looked for only when those before it were not shown."""
    is_short = len(said) <= SHORT_CHARS
    yield "backchannel", not said or bool(_ASSENT.match(said))
    yield "greeting", bool(_GREETING.search(said))
    yield "greeting", is_short and bool(_WELCOMES.search(said))
    has_steps = bool(_STEPS.search(said))
    yield "hand_over", (is_short or not has_steps) and bool(_HAND_OVER.search(said))
    yield "defer", is_short and not has_steps and bool(_DEFER.search(said))
    yield "refuse", (is_short or not has_steps) and bool(_REFUSE.search(said))
    yield "ask", is_short and _is_request(said)
    yield "complete", is_short and bool(_COMPLETE.search(said))
    yield "offer_more", is_short and not has_steps and bool(_OFFER_MORE.search(said))
    yield "closing", is_short and not has_steps and bool(_CLOSING.search(said))
    yield "hold", len(said) <= HOLD_CHARS and not has_steps and bool(_HOLD.search(said))
    yield "ask", is_short and bool(_ASKS.search(said))
    yield "backchannel", len(said) < MIN_ANSWER_CHARS


def _is_request(said: str) -> bool:
    """Whether a short turn asks for something and does not report a thing done."""
    return (
        bool(_ASKS.search(said))
        and (
            bool(_CONDITION.search(said))
            or said.rstrip().endswith("?")
            or not _COMPLETE.search(said)
        )
        and not _OFFER_MORE.search(said)
        and (said.rstrip().endswith("?") or not _CLOSING.search(said))
    )


def customer_act(text: str, *, before: Act, is_first: bool) -> CustomerAct:
    """What a customer's turn does, after the agent's last act (`none` where there was none)."""
    signs = _customer_signs(normal(text), before, is_first=is_first)
    return next((act for act, is_shown in signs if is_shown), "need")


def _customer_signs(
    said: str, before: Act, *, is_first: bool
) -> Iterator[tuple[CustomerAct, bool]]:
    is_short = len(said) <= SHORT_CHARS
    has_answer = before not in ("none", "greeting")
    is_put_off = before in ("hand_over", "defer", "hold")
    yield "backchannel", not said
    yield "greeting", bool(_GREETING.search(said))
    yield "need", not is_first and bool(_OPENS_NEW_NEED.search(said))
    yield "complaint", has_answer and is_short and bool(_STUCK.search(said))
    yield "reply", before == "ask" and bool(_ASSENT.match(said))
    yield "wait", is_put_off and bool(_WAITS.search(said) or _ASSENT.match(said))
    yield "reply", before == "ask" and is_short and bool(_AGREES.match(said))
    yield "confirm", has_answer and is_short and bool(_CONFIRM.search(said))
    yield "thanks", len(said) < POLITE_CHARS and bool(_THANKS.search(said))
    yield "closing", len(said) < POLITE_CHARS and bool(_CLOSING.search(said))
    yield "backchannel", bool(_ASSENT.match(said))
    yield "reply", before == "ask"
    yield "wait", has_answer and bool(_WAITS.search(said))


def find_acts(utterances: Sequence[Utterance]) -> Sequence[Act]:
    """The act of each turn, in order; `none` for turns of the system and of a bot."""
    return _acts(tuple((u.role, u.text) for u in utterances))


@lru_cache(maxsize=16)
def _acts(said: tuple[tuple[Role, str], ...]) -> tuple[Act, ...]:
    """Kept for a moment: resolution, tags and pairs read the same conversation."""
    acts: list[Act] = []
    before: Act = "none"
    is_first = True
    for role, text in said:
        act: Act = "none"
        if role == "agent":
            act = agent_act(text)
            # "Okay." or "one moment" between question and reply does not end the question.
            if act not in ("backchannel", "hold") or before == "none":
                before = act
        elif role == "customer":
            act = customer_act(text, before=before, is_first=is_first)
            is_first = is_first and act == "greeting"
        acts.append(act)
    return tuple(acts)


POLITENESS: frozenset[Act] = frozenset(("greeting", "closing", "offer_more", "hold"))
"""Acts of an agent that say nothing about the matter."""

SUBSTANCE: frozenset[Act] = frozenset(("answer", "complete"))
"""Acts of an agent that can solve something."""
