"""Whether an agent's answer is rude: insults, scorn, or a refusal to take the customer seriously.

Some phrases are rude by themselves ("not my problem", "people like you ask this every day").
Others may be said kindly ("as I said", "just look at the invoice") and are rude only with scorn
beside them ("honestly", "calm down"). English first; the commonest insults and brush-offs in
German, French, Spanish, Portuguese, Italian and Dutch. Pure; reads and writes no table.
"""

import re

from transforms.acts.apology import sentences
from transforms.acts.folded import any_of, lowered
from transforms.acts.repeats import kept_for_short

_MAX_CHARS = 20_000

_BEGINS = r"(?:^|[.!?;:,\n]\s*)(?:(?:so|then|well|oh|maybe|simply|please|honestly),? )?"

_RUDE = any_of(
    r"\b(?:idiot\w*|moron\w*|imbecile|dimwit|cretin|shut up|you people)\b",
    r"\b(?:you(?:'re| are)?(?: really| just| so| that| too)*|are you(?: really| just| that)*|how|"
    r"don't be) (?:stupid|dumb|dense|clueless|ignorant)\b(?! (?:of (?:me|us)|phone|device))",
    r"\b(?:stupid|dumb) (?:question|customer|person|people|complaint|request|mail|e-?mail)s?\b",
    r"\bare you (?:blind|deaf|serious|kidding|out of your mind|even \w+)\b",
    rf"{_BEGINS}(?:get lost|go away|get a life|grow up|deal with it|whatever\W*$)",
    rf"{_BEGINS}(?:just |go )google it\b|{_BEGINS}just read (?:the|it|your|what|my)\b",
    r"\bnot (?:my (?:problem|job|fault|concern|business)|our problem)\b",
    r"(?<!if )\bthat(?:'s| is) your (?:own )?(?:problem|fault)\b|\byour own (?:stupid )?fault\b",
    r"\b(?:stop|quit) (?:wasting|bothering|whining|complaining|pestering|nagging|moaning)\b",
    r"\bwast(?:e|ing) (?:of )?(?:my|our) time\b",
    r"\b(?:i|we) (?:don't|do not|couldn't|could not) care\b(?! (?:for|how long))",
    r"\bwhat(?:'s| is) (?:even )?(?:wrong with|the matter with) you\b(?!r)",
    r"(?<!help )(?<!helping )(?<!serve )(?<!serving )(?<!for )(?<!with )(?<!by )\b(?:people|"
    r"customers|users|callers) like you (?:(?:just|always|never|all) )*(?:ask|say|want|come|"
    r"complain|call|write|don't|can't|think|should|cost|keep|waste)\b",
    r"\bhow many (?:more )?times (?:do|must|should|will|have) (?:i|we) (?:have to |need to |to "
    r")?(?:tell|told|say|said|explain(?:ed)?|repeat(?:ed)?)\b",
    r"\bhow hard can (?:it|that|this) be\b|\b(?:isn't|not|hardly|no) rocket science\b",
    r"\b(?:not|isn't) (?:(?:really|even|that|so) )*(?:hard|difficult|complicated)\W{1,3}(?:is "
    r"it\b|(?:just |so )?(?:read|open your eyes|think)\b)",
    r"\b(?:learn|try|start) (?:to (?:read|listen|think)|reading|listening|thinking)\b(?! (?:it|"
    r"the|this|from|in|at|on))",
    r"\b(?:use|using|open) your (?:brain|head|eyes)\b|\bobviously you\b",
    r"\b(?:did|do|can't|didn't|couldn't) you even\b|\bif you(?:'d| had)? (?:(?:even|actually|"
    r"only) )?bother(?:ed)? to\b",
    r"\b(?:even a|any) (?:child|kid|idiot|fool|toddler|five[- ]year[- ]old) (?:can|could|would|"
    r"knows|understands|gets)\b",
    r"\b(?:i|we) (?:don't|do not|haven't) (?:have|got) (?:all day|time for (?:this|such))\b",
    r"\b(?:figure|work|sort|find) (?:it|that) out (?:for )?yourself\b",
    r"\bfor the (?:very )?(?:last|hundredth|tenth|umpteenth) time[,:!]|\b(?:not going to|won't|"
    r"hate to) repeat myself\b",
    r"\b(?:(?:sind|bist) (?:sie|du) (?:blind|taub|dumm|bl[öo]d)|dumme frage|nicht (?:mein|unser) "
    r"problem|das ist (?:ihr|dein) problem|stellen sie sich nicht so an|lesen sie doch (?:einfach|"
    r"erst) mal|trottel|idiotisch)\b",
    r"\b(?:(?:[êe]tes|es)[- ](?:vous|tu) (?:aveugle|sourde?|stupide|idiote?)|pas (?:mon|notre) "
    r"probl[èe]me|question (?:stupide|idiote)|me faites perdre mon temps|apprenez [àa] lire|"
    r"d[ée]brouillez-vous|taisez-vous)\b",
    r"\b(?:no es (?:mi|nuestro) problema|pregunta (?:est[úu]pida|tonta)|est[áa] (?:ciego|sordo)|"
    r"aprenda a leer|no me haga perder el tiempo|c[áa]llese|est[úu]pid[oa])\b",
    r"\b(?:n[ãa]o [ée] (?:meu problema|problema meu|problema nosso)|pergunta (?:est[úu]pida|"
    r"idiota)|aprenda a ler|cale-se|(?:est[áa]|[ée]) (?:cego|surdo))\b",
    r"\b(?:non [èe] (?:un )?(?:mio problema|problema mio|problema nostro)|domanda stupida|impari "
    r"a leggere|stia zitt[oa]|[èe] (?:cieco|sordo))\b",
    r"\b(?:niet (?:mijn|ons) probleem|domme vraag|bent u (?:blind|doof|dom)|leer lezen|hou je "
    r"mond)\b",
)
_CURT = any_of(
    r"\b(?:as|like) (?:i|we)(?:'ve| have)? (?:(?:already|just|clearly) )?(?:said|told|explained|"
    r"wrote|written)\b|\bi (?:already|just) (?:said|told you|explained)\b",
    r"\bjust (?:look|use|click|do|check|scroll|follow|type|open|press)\b",
    r"\bread (?:the|our) (?:\w+ )?(?:page|manual|instructions|faqs?|terms)\b",
    r"\b(?:isn't|not) (?:(?:really|that|so|too|very|at all) )*(?:hard|difficult|complicated)\b",
    r"\bhow many times\b",
)
"""May be said kindly."""

_SCORN = (
    any_of(
        r"\b(?:honestly|seriously|obviously|for (?:heaven|god|goodness)'?s?'? sake|good grief|"
        r"come on)\b"
    ),
    any_of(
        r"\byou(?:'d| would)? should(?:'ve| have)(?: \w+)? (?:read|known|thought|looked|"
        r"listened)\b"
    ),
    any_of(
        r"\b(?:calm down|make up your mind|get over it|what did you expect|common sense)\b|"
        r"\bpay attention\b(?! to)"
    ),
    any_of(r"\?!|!\?|\b(?:again and again|over and over|every single time)\b"),
)
"""Rude with a curt phrase in the same sentence or the next, or two of them together."""

_APOSTROPHE = re.compile("[\u2019\u2018\u02bc]")


@kept_for_short
def is_rude(answer: str) -> bool:
    """Whether an answer is rude, by one phrase or by a curt one with scorn beside it.

    >>> is_rude("That is not my problem."), is_rude("You can just use the settings page.")
    (True, False)
    """
    said = _APOSTROPHE.sub("'", lowered(answer[:_MAX_CHARS]))
    if _RUDE.search(said):
        return True
    parts = sentences(said)
    return any(_is_scornful("".join(parts[i : i + 2])) for i in range(len(parts)))


def _is_scornful(said: str) -> bool:
    kinds = sum(1 for sign in _SCORN if sign.search(said))
    return kinds > 1 or (kinds == 1 and _CURT.search(said) is not None)
