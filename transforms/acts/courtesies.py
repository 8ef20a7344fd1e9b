"""Whether a short turn of an agent is made of courtesies only, and says nothing of the matter.

"Thank you for your message. We take every concern seriously." is no answer, however long the
customer waits after it. Pure; reads and writes no table. Texts are read as
`transforms.acts.kinds.normal` leaves them.
"""

import re

from transforms.acts.folded import any_of

_STAFF = (
    r"(?:someone|somebody|we|i|(?:(?:one|a member|members) of )?(?:our|the|my|a|an|us) ?"
    r"(?:\w+ ){0,3}(?:teams?|agents?|representatives?|colleagues?|experts?|advis[eo]rs?|staff|"
    r"specialists?|developers?|engineers?|technicians?|supervisors?|managers?|office))"
)
_MATTER = (
    r"(?:message|e-?mail|mail|request|enquiry|inquiry|query|call|patience|understanding|feedback|"
    r"note|concerns?|comments?|business|loyalty|trust|interest|time|opinion|suggestions?|report)"
)
_COURTESY = any_of(
    rf"\bthank(?:s| you) for (?:\w+ )?(?:your \w*|letting us|bringing|sharing|raising|informing|"
    rf"the {_MATTER})",
    rf"\b(?:your|every|each|any|all) (?:\w+ ){{0,2}}{_MATTER} (?:\w+ )?(?:matters?|counts?|is|are|"
    r"was|were|has been|have been|will be)\b",
    r"\b(?:we|i) (?:\w+ )?(?:value|appreciate|regret|apologi[sz]e|strive|aim|take|care|endeavou?r|"
    r"are (?:\w+ )?(?:sorry|committed|grateful|dedicated|working|doing)|understand (?:that|how|"
    r"your)|(?:have |'ve )?(?:received|noted|logged|registered))\b",
    rf"\b{_STAFF} (?:\w+ ){{0,2}}(?:will|'ll|is|are|is going to|are going to|works?|looks?|aims?|"
    r"strives?)\b.{0,60}\b(?:look|looks|looking|(?:get|gets) (?:back|to it)|"
    r"reply|respond|contact|reach|work|working|serve|touch|improve|answer|review)\b",
    r"\b(?:bear with us|be patient|as soon as (?:possible|we can)|at (?:our|the) earliest|"
    r"in due course|(?:sorry|apolog\w+) for (?:any|the|this) (?:inconvenience|delay|wait))\b",
    r"\b(?:wir (?:haben|bedauern|bem[üu]hen)|vielen dank f[üu]r ihre|"
    r"nous (?:avons bien|regrettons)|merci (?:de|pour) votre|gracias por su|lamentamos|"
    r"hemos recibido|obrigad[oa] pel[oa]|recebemos|grazie per (?:il|la)|"
    r"abbiamo ricevuto|bedankt voor uw|wij hebben)\b",
)
_CONCRETE = any_of(
    r"\d|https?:|<[a-z_]+\d*>|[«„“\"]",
    r"\b(?:refunded|cancell?ed|changed|updated|shipped|sent|booked|reset|placed|delivered)\b",
    r"\b(?:click|select|choose|press|open|log in|sign in|go to|visit|enter|download|settings)\b",
)
"""What a courtesy does not hold: a number, a link, a thing done, a step."""

_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
MIN_CHARS = 30
"""Below, a sentence is a greeting or a word of assent, and proves nothing either way."""


def is_courtesy(said: str) -> bool:
    """Whether every sentence of some length is a courtesy, and there is one."""
    long = [s for s in _SENTENCE.findall(said) if len(s.strip()) >= MIN_CHARS]
    return bool(long) and not _CONCRETE.search(said) and all(map(_COURTESY.search, long))
