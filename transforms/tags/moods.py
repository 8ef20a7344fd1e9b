"""The mood of a message by the words of joy and anger in it, with negation.

Pure; reads and writes no table. A word after "not", "never", "wasn't" and the like counts for its
opposite, up to the end of the clause and three words on. Politeness that opens a request ("thanks
in advance") is no mood. English first, with the commonest words of German, French, Spanish,
Portuguese, Italian and Dutch.
"""

import re
from typing import Literal

from transforms.acts.faults import names_fault
from transforms.acts.folded import any_of, lowered
from transforms.acts.repeats import kept_for_short
from transforms.clean.emoji import emoji_mood

Sentiment = Literal["negative", "neutral", "positive"]

MAX_CHARS = 4000

_NEGATIVE = any_of(
    r"(?<!\w)(?:angry|anger|annoy\w*|awful\w*|terribl\w*|worst|worse|useless|ridiculous|"
    r"unacceptable|"
    r"disappoint\w*|frustrat\w*|hate|hated|horribl\w*|waste[ds]?|fed up|complain\w*|wtf|garbage|"
    r"rubbish|"
    r"trash|crap\w*|joke|rude\w*|disgust\w*|pathetic|shame\w*|nightmare|furious|cheated|ripped off|"
    r"rip-?off|scam\w*|liars?|lied|unbelievable|incompetent|hopeless|upset\w*|unhappy|dissatisf\w*|"
    r"unsatisf\w*|sick of|tired of|had enough|poor(?:ly)?|lousy|worried|struggl\w*|cried|"
    r""
    r"ruined|stupid|idiot\w*|damn\w*|bloody|f[u*]ck\w*|sucks?|"
    r"ugh|"
    r"regret\w*|itch|ignored?|lost (?:all )?trust|money back|give up|gave up|nobody \w+|no one \w+|"
    r"still (?:not|no|doesn't|isn't|won't|waiting|doing|broken|hasn't|haven't)|never again|"
    r"(?:again|keeps?) (?:and again|wrong)|wrong again|(?:third|fourth|fifth|tenth) time|"
    r"thanks for nothing|another (?:\w+ )?(?:week|hour|month|broken|excuse)s?|can't believe|cannot "
    r"believe|why on earth|don't care|doesn't care|stop sending|never (?:ordering|buying|coming|"
    r"using|worked|works|been)|bad|unfair|outrageous|appalling|careless|unprofessional|"
    r"abysmal|absurd|alarm(?:ed|ing)|appalled|atrocious|bitter|chaos|chaotic|clueless|confusing|"
    r"cruel|"
    r"deceiv\w*|dismal|dismay\w*|displeas\w*|distress\w*|dreadful\w*|embarrass\w*|fiasco|"
    r"disaster\w*|"
    r"fraud\w*|gross|harass\w*|helpless|humiliat\w*|impolite|inexcusable|infuriat\w*|insult\w*|"
    r"irritat\w*|jerks?|junk|lame|livid|ludicrous|mad|mess|messed|miserabl\w*|misled|misleading|"
    r"mediocre|"
    r"mistreat\w*|neglect\w*|nonsense|offend\w*|offensive|outrag\w*|overpriced|painful\w*|panic\w*|"
    r"pointless|refus(?:ed|es|ing)|sad|sadly|scared|shoddy|shocking|shocked|sloppy|sluggish|"
    r"slow(?:er)?|"
    r"stress\w*|suffer\w*|terrified|threaten\w*|ugly|unfriendly|unhelpful|unreliable|unusable|"
    r"unsafe|"
    r"worthless|rotten|disrespect\w*|laughed at|yelled|shouted|hung up|let (?:me |us )?down|"
    r"how dare|"
    r"i demand|so much for|in circles|beyond|nothing changed|no (?:difference|use|point|luck|"
    r"excuse|reply|"
    r"answer|response)|(?:out of|lost) patience|(?:last|final) straw|day (?:two|three|four|five|"
    r"six|seven|"
    r"eight|nine|ten|\d+)|seriously|your mistakes?|not (?:what|be) \w+ing (?:back|with)|"
    r"frechheit|entt[äa]uscht\w*|schlecht\w*|[äa]rger\w*|unversch[äa]mt\w*|furchtbar|"
    r"inadmissible|d[ée][çc]ue?s?|honteux|scandal\w*|personne ne|nul|"
    r"harto|harta|verg[üu]enza|decepcionad[oa]|p[ée]sim[oa]|horrible|fatal|"
    r"p[ée]ssim[oa]|desapontad[oa]|horr[íi]vel|vergonha|"
    r"delus[oa]|pessim[oa]|vergogna|orribile|schandalig|teleurgesteld|slecht\w*|belachelijk)(?!\w)",
)
_POSITIVE = any_of(
    r"(?<!\w)(?:thank\w*|thx|cheers|great|perfect\w*|awesome|excellent|love|loved|lovely|"
    r"wonderful\w*|"
    r"appreciate\w*|brilliant\w*|amaz\w*|helpful|happy|happier|glad|pleased|delighted|impress\w*|"
    r"fantastic|superb?|star|best|good|well done|nice\w*|kind\w*|friendly|beautiful\w*|delicious|"
    r"smooth\w*|satisf\w*|relieved|recommend|yay|hooray|wow|fun|easy|quick|adore|pleasure|saved my|"
    r"you rock|keep it up|enjoy\w*|like it|professional|worked|works|fixed|five stars|rock|:-?\)|"
    r"accommodating|ace|bless(?: you)?|bravo|charming|cheerful|comfortable|comfy|compliments?|"
    r"congrat\w*|"
    r"courteous|cool|ecstatic|effortless\w*|elegant|flawless\w*|gem|generous|genius|gorgeous|"
    r"gratitude|"
    r"grateful|hats off|heaven\w*|incredibl\w*|joy\w*|life ?-?savers?|legends?|magic\w*|"
    r"marvell?ous|neat|"
    r"outstanding|painless|phenomenal|polite|praise|proud|reliable|remarkable|respectful|"
    r"sensational|"
    r"splendid|spotless|stellar|stunning|sweet|tasty|terrific|thoughtful|thrilled|notch|tremendous|"
    r"welcoming|warm welcome|charm|solved|sorted|resolved|(?:much|so much|even) better|"
    r"over the moon|"
    r"blast|a fan|big fan|exactly (?:it|what)|did the trick|without a hitch|obliged|patient|"
    r"attentive|"
    r"caring|finally (?:someone|somebody|a)|like a (?:glove|dream|charm|treat)|"
    r"danke|dank|wunderbar|toll|super|prima|klasse|perfekt|top|zufrieden|"
    r"merci|parfait\w*|ravie?|g[ée]nial\w*|g[ée]niale?|excellente?|"
    r"gracias|perfecto|encantad[oa]|contento|contenta|maravillos[oa]|"
    r"obrigad[oa]|perfeito|[óo]tim[oa]|maravilhos[oa]|"
    r"grazie|perfetto|gentilissim\w*|ottim[oa]|content[oa]|bedankt|geweldig|blij|tevreden)(?!\w)",
)
_NEGATORS = any_of(
    r"(?:not|never|no|hardly|barely|nothing|without|nobody|cannot|wasn't|isn't|aren't|weren't|"
    r"\w+n't|"
    r"nicht|kein\w*|nie|pas|jamais|nunca|n[ãa]o|non|niet|geen)$",
)
_POLITE = any_of(
    r"\b(?:thanks?(?: you)? (?:in advance|for (?:taking|calling|contacting|your (?:time|call|reply|"
    r"answer)))|thank you for (?:the|your) (?:call|time)|good (?:morning|afternoon|evening|day)|"
    r"kind regards|best (?:regards|wishes|before|price|way|time|option)|would (?:be )?(?:love|"
    r"happy|"
    r"great|nice|like)|i'd (?:love|like)|as well|how (?:good|easy|quick)|great circle|"
    r"no,? thank(?:s| you)|love actually|problem solver|complaint form|lost property)\b",
)
_PRAISE_BY_NOT = any_of(
    r"\b(?:couldn't|can't|could not|cannot) (?:be (?:happier|better)|have (?:asked|wished)|thank|"
    r"praise|complain)\w*|"
    r"\bnot (?:only|just)\b|\bno (?:problems?|issues?|complaints?)\b|\bnever had an? \w+|"
    r"\bno idea how \w+\b",
)
_BLAME_BY_NOT = any_of(
    r"\b(?:did|does|do|is|was|are|has|have|will|would|wo|ca|could)(?:n't|"
    r" not) (?:\w+ ){0,2}(?:work\w*|"
    r"help\w*|fix\w*|understand|answer\w*|respond\w*|listen\w*|satisf\w*|what i|acceptable|"
    r"right)\b|"
    r"\bnothing works\b|\b(?:funktioniert|werkt|marche|funciona|funziona)\w* (?:nicht|niet|pas|"
    r"niente)\b|"
    r"\b(?:no|n[ãa]o|non) (?:funciona|funziona)\b|\bnot good enough\b|\bthat'?s (?:wrong|"
    r"not what)\b",
)
_CLAUSE = re.compile(r"[^.!?;,\n]+|[.!?;,\n]")
_WORD = re.compile(r"[\w'*:)-]+")
_NEGATED = re.compile(
    r"\b(not|never|no|hardly|nothing|without|cannot|\w{1,20}n't|nicht|kein\w{0,3}|pas|nunca|n[ãa]o|"
    r"non|niet|geen)\s+((?:[\w']{1,40}\s*){1,3})",
    re.IGNORECASE,
)
REACH_WORDS = 3
NEGATIVE_WEIGHT = 2
"""One complaint outweighs one thank-you: most complaints are polite."""


@kept_for_short
def mood_score(text: str) -> float:
    """How pleased (above 0) or displeased (below 0) the words of a message are."""
    said = lowered(text[:MAX_CHARS].replace("\u2019", "'"))
    said = _POLITE.sub(" ", said)
    said, praises = _PRAISE_BY_NOT.subn(" ", said)
    said, blames = _BLAME_BY_NOT.subn(" ", said)
    score = 1.0 * praises - NEGATIVE_WEIGHT * blames
    score += sum(_clause_score(clause[0]) for clause in _CLAUSE.finditer(said))
    score += emoji_mood(said)
    return -1.0 if score == 0 and names_fault(said) else score


def _clause_score(clause: str) -> float:
    score = 0.0
    for pattern, weight, opposite in (
        (_NEGATIVE, -float(NEGATIVE_WEIGHT), 1.0),
        (_POSITIVE, 1.0, -float(NEGATIVE_WEIGHT)),
    ):
        for found in pattern.finditer(clause):
            before = _WORD.findall(clause[: found.start()])[-REACH_WORDS:]
            score += opposite if any(_NEGATORS.match(w) for w in before) else weight
    return score


def mood(text: str) -> Sentiment:
    """The mood of a message by its words alone."""
    return named(mood_score(text))


def named(score: float) -> Sentiment:
    """The mood that a score stands for."""
    if score < 0:
        return "negative"
    return "positive" if score > 0 else "neutral"


def mark_negations(text: str) -> str:
    """The text with `not` written onto up to three words after a negation.

    So a linear model can tell "helpful" from "not helpful". Source: Pang, Lee and Vaithyanathan,
    "Thumbs up? Sentiment Classification using Machine Learning Techniques", 2002.
    """
    said = text[:MAX_CHARS].replace("\u2019", "'")
    return _NEGATED.sub(lambda m: f"{m[1]} " + "".join(f"not{w} " for w in m[2].split()), said)
