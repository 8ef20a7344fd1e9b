"""What an agent's turn does: asks, answers, puts off, refuses, hands over, does a thing, and so on.

Pure; reads and writes no table. See `transforms.acts.kinds` for how the patterns read.
"""

import re
from collections.abc import Iterator

from transforms.acts.apology import sentences
from transforms.acts.courtesies import is_courtesy
from transforms.acts.folded import any_of
from transforms.acts.kinds import (
    ASSENT,
    CLOSING,
    GREETING,
    MIN_ANSWER_CHARS,
    POLITENESS,
    SHORT_CHARS,
    AgentAct,
    normal,
)
from transforms.acts.repeats import kept_for_short

HOLD_CHARS = 100
"""A longer turn that also asks for patience has said something before."""

MIN_WAY_CHARS = 16
"""A shorter clause after "but" shows no other way."""

SUBSTANCE_CHARS = 45
"""A sentence that is longer than a courtesy."""

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
_WHILE = (
    r"(?:moment|minute|second|sec|few (?:moments|minutes|seconds)|"
    r"couple (?:of )?(?:minutes|seconds))"
)
_HOLD = any_of(
    # Not "in a moment" (a promise), nor "take a moment" or "unplug it for a minute" (a step).
    r"(?<!\bin )(?<!\bin just )(?<!\bfor )(?<!\babout )(?<!\bwithin )(?<!\bwait )(?<!\btake )"
    rf"(?<!\btakes )\b(?:one|a|just a|another) {_WHILE}\b",
    rf"\b(?:wait|(?:hold|hang) on)(?: for)? (?:just )?(?:one|a|another) {_WHILE}\b"
    r"(?!,? (?:and|until|till|then|before|after|between)\b)",
    rf"\bi(?:'ll| will) be (?:right )?(?:back|with you)\b(?: in (?:just )?(?:one|a) {_WHILE}\b)?",
    r"\bbear with (?:me|us)\b",
    r"\b(?:stay|remain|keep) (?:connected|on the line|with (?:me|us))\b|\bwhile i(?:'m| am)? "
    r"(?:\w+ )?(?:verify|check|look|load|read|find|pull|search|go (?:through|over|into))",
    r"\b(?:going|looking|reading|checking|searching) (?:into|through|over) (?:your|the|my)\b",
    r"\b(?:allow|give|gimme)(?: me)?(?: just)? (?:an?|one|two|\d{1,2}|few|some|couple of) (?:few |"
    r"couple of )?(?:min\w*|mom\w*|sec\w*|ticks?|time)\b",
    r"\b(?:nearly|almost) (?:there|done|finished|through)\b|\bstill (?:here|looking|checking|"
    r"reading|searching|with you)\b",
    r"\b(?:let me|i(?:'ll| will| am going to)|allow me to) (?:just |quickly )?(?:check|look|see|"
    r"pull|find out|have a look|take a look|verify)\b",
    r"(?:^\W*|\b(?:i'm|i am|we're|we are|am|still|just|now|currently) )(?:checking|looking) "
    r"(?:into|at|on|up)? ?(?:it|this|that|your|now)",
    r"\b(?:please )?(?:hold|hang) (?:on(?! to)|please|the line)\b",
    r"\bthank(?:s| you) for (?:waiting|holding|your patience)",
    r"\b(?:einen|kleinen) (?:augenblick|moment)\b",
    r"\bun (?:instant|momento|moment|attimo)\b",
    r"\bmomentje\b",
)
_TALK = (
    r"(?:(?:this|your|the) )(?:phone )?(?:call|chat|talk|conversation|case|ticket|request|question|"
    r"enquiry|inquiry|query|issue|matter|problem|complaint|claim|concern|message|e-?mail)"
)
_PEOPLE = (
    r"(?:(?:a|an|the|our|my|another|their) )?(?:\w+ ){0,2}(?:teams?|departments?|specialists?|"
    r"supervisors?|managers?|colleagues?|technicians?|mechanics?|agents?|representatives?|experts?|"
    r"advis[eo]rs?|engineers?|developers?|authorit(?:y|ies)|leads?|leaders?|superiors?|seniors?|"
    r"units?|back ?office|billing|sales|support|desk|(?:(?:1st|2nd|3rd|first|second|third|"
    r"next) )?level|line)\b"
)
_HAND_OVER = any_of(
    r"\bescalat\w+ (?:you|this|your|the|it|to)\b",
    # A person or a talk is handed over; money, data and files are only moved.
    rf"\b(?:transfer(?:ring|red)?|redirect(?:ing|ed)?) (?:you\b|{_TALK}\b|"
    rf"(?:(?:it|this|that|them|over) )*to {_PEOPLE})",
    r"\b(?:connect|put|pass|passing|forward|forwarding|forwarded|hand|handing|refer|referring) "
    r"(?:you|this|it|your \w+|the \w+) (?:through|over|on|along|to|with|for)\b",
    r"\b(?:opened|raised|created|logged|filed) (?:a|an|the) (?:\w+ )?(?:ticket|case|incident) "
    r"(?:with|for|to)\b",
    r"\b(?:specialist|supervisor|manager|colleague|technician|(?:\w+ )?team|department|they) "
    r"(?:will|'ll|is going to|are going to) (?:call|contact|reach|get back|be in touch|follow up|"
    r"write|e-?mail)\b",
    rf"\b(?:get|getting|bring|bringing|involve|involving|ask|asking|consult|consulting) {_PEOPLE}",
    rf"\b(?:asked|informed|notified|alerted|told|instructed|briefed|referred|sent|raised|escalated)"
    rf" (?:\w+ ){{0,3}}?(?:(?:up|this|it) )?(?:(?:to|with) )?{_PEOPLE}"
    r"(?= (?:to|and|about|of|so|who|that)\b|[,;.]|$)",
    rf"\b{_PEOPLE} (?:has|have) been (?:informed|notified|alerted|asked|assigned|told)\b",
    r"\b(?:they|she|he|someone|somebody|one of (?:us|them|our \w+))(?:'ll| will| shall| (?:is|are) "
    r"going to) (?:\w+ ){0,2}(?:call|contact|phone|ring|visit|write|reach|get (?:back|in)|be in "
    r"(?:touch|contact)|revert|follow up|let you know|take (?:it|this) (?:over|from here))\b",
    rf"\b(?:handled|dealt with|looked at|looked into|reviewed|decided) by {_PEOPLE}",
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
_IF_YOU = re.compile(
    r"\b(?:if|in case|should|when|whenever|unless) (?:you|it|they|this|that|the \w+)\b[^,.;:!?\n]*"
)
"""What may not be possible under a condition refuses nothing."""

_BUT = re.compile(r"\b(?:but|however|instead|though|aber|jedoch|mais|pero|mas|per[òo]|ma|maar)\b,?")
_SUBSTITUTE = any_of(
    r"\?",
    r"\b(?:i|we)\b|^(?:can|could|able|am|are)\b|\bhere(?:'s| is| are)\b",
    r"\b(?:would|do|did|if) you(?:'d)? (?:\w+ )?(?:like|want|prefer|care|mean)\b",
    r"\b(?:perhaps|maybe|let me know|sorry|thank|appreciate|understand)\b",
)
"""What the agent could do instead, or asks about, solves nothing before it is taken."""

_REFUSE = any_of(
    r"\b(?:don't|do not|doesn't|does not) (?:\w+ ){0,2}(?:have|carry|sell|offer|serve|stock|"
    r"provide|support|make|do|see|know|recogni[sz]e|find)\b",
    r"\b(?:can|could|may|am|are) (?:only|just) (?:able to |allowed to |here to )?(?:help|assist|"
    r"offer|take|do|answer|talk|serve|sell|provide)\b",
    r"\bnot (?:at liberty|permitted|authori[sz]ed|familiar with|something i)\b",
    r"\b(?:ran|run|running) out of\b|\bno such\b",
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
_SOON = (
    r"(?:shortly|soon|momentarily|right (?:now|away|up|over|to you)|in (?:just |about )?(?:a|one"
    r"|two|"
    r"three|four|five|ten|\d{1,2})(?: few| couple of)? (?:minutes?|moments?|seconds?|secs?|bit))\b"
)
_COMPLETE = any_of(
    # A promise of something made or brought, at once; not of a look or of an answer.
    r"\b(?:i|we|it|that|they|you|orders?|drinks?|bar|counter)(?:'?ll| will| can| should"
    r"|'s going to| "
    r"(?:is|are) going to)(?: \w+)?? (?:make|prepare|have|bring|send|place|start|work on|arrive|"
    r"receive|pick|get (?:working|it|that|them|those|these|to work)|"
    rf"be(?! (?:with|back|right|in touch|able)))\b[^.?!]{{0,60}}\b{_SOON}",
    r"\bi(?:'ll| will) (?:now |go ahead and )?place (?:your?|the|that|this) order\b",
    r"\b(?:check|wait) (?:back )?(?:with|at|by) the (?:\w+ )?(?:bar|counter|desk|window)\b",
    r"\b(?:it|that|this|they|order|drinks?|items?|food|package|everything|\w+)"
    r"(?:'ll| will| should|s will) (?:soon |shortly |now )?be (?:\w+ ){0,3}"
    r"(?:ready|up|out|done|made|there|shipped|sent|delivered|refunded|credited|processed|prepared|waiting|available|yours)\b",
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
    r"\b(?:won't|will not|shouldn't) (?:take|be) (?:too |very |that )?long\b",
    r"\bproceed to (?:the|our) (?:\w+ )?(?:bar|counter|desk|window|till|exit)\b",
    r"\b(?:grab|collect|fetch|get|pick up) your (?:\w+ )?(?:orders?|drinks?|food|items?|parcel|"
    r"package|tickets?)\b|\b(?:grab|collect|fetch) your (?:\w+ ){1,3}(?:at|from) ",
    r"\bcoming (?:right |straight )?(?:up|out)\b|\bwait (?:over |for it )?(?:at|by) the \w+\b",
    r"\b(?:have|receive|get|bring|be (?:at|on|in|with|here|there)) (?!back|someone|a (?:call|"
    r"colleague)|an agent)(?:\w+[ -]){0,8}in (?:just )?(?:a|one|the next) (?:few |couple of "
    r")?(?:moment|minute|sec)",
)
_OFFER_MORE = any_of(
    r"\b(?:anything|something) else\b", r"\bany (?:other|more|further) (?:questions?|help)\b"
)
_CHECK = (
    r"(?:(?:double|re)-?\s?check|check|verify|confirm|review|look over|look at|(?:take|have) a "
    r"(?:quick )?look|make sure|see)"
)
_ORDERS_CHECK = any_of(
    rf"(?:^|[.!?;,\n])\W*(?:(?:ok(?:ay)?|sure|alright|alrighty|great|please|just|kindly|now|then|"
    rf"first|so|if you (?:could|can|would)|go ahead and)\b\W*)*{_CHECK}\b"
    r"(?! (?:you|me|with|in|out|back)\b)"
    r"(?=[^.?!\n]{0,80}\b(?:right|correct|accurate|fine|good|order|screen|here|want|wanted|"
    r"details?|again|once more|this|that|below|over)\b)"
)
"""Told to look whether something is right, the customer has to say so."""

_ASKS = any_of(
    r"\?\s*$",
    r"\b(?:do|did) you (?:\w+ ){0,3}mean\b",
    r"^\W*(?:(?:ok(?:ay)?|sure|alright|alrighty|great|yes|yep|and|thanks?|thank you|please|"
    r"certainly|of course|got it|perfect|for security(?: reasons)?)\b\W*)*(?:before "
    r"\w+.{0,60}\W)?(?:could|can|may|might|would|will|do|does|did|is|are|was|were|have|has|what|"
    r"which|when|where|who|how|why)\b(?!.{400})",
    r"\b(?:please|just|can you|could you|kindly) (?:just )?(?:confirm|verify|check|review|"
    r"look over|make sure|provide|tell|give|send|share|let me know|describe|explain)\b",
    r"\b(?:does|do|is|are) (?:this|that|it|everything|all|the \w+|your \w+)(?: \w+){0,3} "
    r"(?:look|looks|right|correct|accurate|okay|ok|good)\b",
    r"\b(?:i(?:'ll)? need|may i have|can i (?:have|get)) (?:your|the|a|some|to know)\b",
    r"\bwhat (?:else|kind|size|type|would you)\b",
    r"\b(?:if|once|when|after) (?:that|this|it|everything|all|you)(?: \w+){0,3} (?:looks?|is|are|"
    r"do|does|confirm\w*|correct|right|good)\b",
    r"\bif (?:i|we) have (?:\w+ ){0,3}(?:correct|right)\b",
    r"\bconfirm (?:that|they|it|your|the|with you)\b",
)
_CONDITION = any_of(
    r"\b(?:if|once|when|after|before) (?:that|this|it|everything|all|you|i|we)\b.{0,80}\b(?:i|we)"
    r"(?:'ll| will| can)\b",
    r"\bconfirm\b.{0,80}\b(?:i|we)(?:'ll| will| can)\b",
    r"\b(?:check|verify|confirm|make sure|correct|right)\b.{0,80}\b(?:before|prior to) "
    r"(?:(?:i|we) |sending|placing|submitting|ordering|processing)",
)
"""Something is done only after the customer has agreed."""

_STEPS = any_of(
    r"(?:^|\n)\s*(?:\d+[.)]|[-*•])\s+\S",
    r"\b(?:follow these|these (?:are the )?steps|step by step)\b",
    r"\bhere(?:'s| is| are) (?:how|what|the)\b",
    r"\b(?:log (?:in|into)|sign in|go to|navigate to|click|visit|select|head over|open the)\b",
)


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
    yield "backchannel", not said or bool(ASSENT.match(said))
    yield "greeting", bool(GREETING.search(said))
    yield "greeting", is_short and bool(_WELCOMES.search(said)) and not _is_check(said)
    has_steps = bool(_STEPS.search(said))
    yield "hand_over", (is_short or not has_steps) and bool(_HAND_OVER.search(said))
    yield "defer", is_short and not has_steps and _is_put_off(said)
    yield "refuse", (is_short or not has_steps) and _is_refusal(said)
    yield "ask", is_short and _is_request(said)
    yield "complete", is_short and bool(_COMPLETE.search(said))
    yield "offer_more", is_short and not has_steps and bool(_OFFER_MORE.search(said))
    yield "closing", is_short and not has_steps and bool(CLOSING.search(said))
    yield "hold", len(said) <= HOLD_CHARS and not has_steps and bool(_HOLD.search(said))
    yield "ask", is_short and bool(_ASKS.search(said))
    yield "backchannel", len(said) < MIN_ANSWER_CHARS


def _is_put_off(said: str) -> bool:
    if _DEFER.search(said):
        return True
    return is_courtesy(said) and not _HOLD.search(said) and not _COMPLETE.search(said)


def _is_refusal(said: str) -> bool:
    """Whether a turn says that something cannot be had or done, and no other way to it.

    "We do not take cheques, but you can pay by card" answers.
    """
    said = _IF_YOU.sub(" ", said)
    found = _REFUSE.search(said)
    if not found:
        return False
    turn = _BUT.search(said, found.start())
    rest = said[turn.end() :].strip(" ,") if turn else ""
    is_way = len(rest) >= MIN_WAY_CHARS and not _SUBSTITUTE.search(rest)
    return not is_way or _REFUSE.search(rest) is not None


def _is_check(said: str) -> bool:
    """Whether the customer is told to look whether something is right."""
    return _ORDERS_CHECK.search(said) is not None


def _is_request(said: str) -> bool:
    """Whether a short turn asks for something and does not report a thing done."""
    if _is_check(said):
        return True
    return (
        bool(_ASKS.search(said))
        and (
            bool(_CONDITION.search(said))
            or said.rstrip().endswith("?")
            or not _COMPLETE.search(said)
        )
        and not _OFFER_MORE.search(said)
        and (said.rstrip().endswith("?") or not CLOSING.search(said))
    )
