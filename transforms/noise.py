"""Why a conversation can teach nothing: nobody asked, nobody answered, or it only advertises.

A single message cannot show it, so it is judged when the conversation is assembled. By roles where
these tell it, in any language. An advertisement needs a link in each of the customer's turns, and
besides it nothing, or several words that sell, and no sign of a person with a concern: no question,
no "I" and "my", nothing that went wrong. Pure; reads and writes no table.
"""

import re
from collections.abc import Sequence

from deskwheel.records import NoiseReason, Utterance
from transforms.acts.faults import names_fault
from transforms.clean.emoji import find_emoji
from transforms.clean.links import without_links

_WORD = re.compile(r"\w")
_ADDRESS = re.compile(
    r"(?<![\w@.-])(?:www\.|[\w-]{1,40}\.[a-z]{2,12}/)[^\s<>]{1,2000}", re.IGNORECASE
)
_SELLS = re.compile(
    r"(?<!\w)(?:won|win(?:ners?|ning)?|prizes?|gift ?cards?|vouchers?|free|claim|"
    r"click (?:here|now|the link|below)|limited (?:time )?offers?|special offers?|"
    r"act (?:now|fast)|hurry|discounts?|cheap(?:est)?|best prices?|casinos?|bets?|betting|"
    r"bitcoins?|crypto\w*|invest(?:ments?)?|earn(?:ings)?|income|loans?|viagra|pills|seo|"
    r"backlinks?|followers|rankings?|join (?:now|us)|sign up (?:now|today)|singles|dating|"
    r"congratulations|congrats|lottery|jackpot|bonus|guaranteed|profits?|"
    r"gewonnen|gewinn\w*|gratis|kostenlos\w*|klick\w* (?:sie )?hier|hier klicken|rabatt\w*|"
    r"sonderangebot\w*|kredite?|gl[üu]ckwunsch|"
    r"gagn[ée]\w*|gratuit\w*|cliquez ici|offres?|remises?|f[ée]licitations|"
    r"ganado|ganador\w*|haz clic|haga clic|ofertas?|descuentos?|felicidades|pr[ée]mios?|premi|"
    r"ganhou|gr[áa]tis|clique aqui|descontos?|parab[ée]ns|"
    r"vinto|clicca qui|offert[ae]|sconti?|congratulazioni|"
    r"klik hier|aanbieding\w*|korting\w*|gefeliciteerd)(?!\w)",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"(?<!\w)(?:i|i'm|i've|my|mine|we|our|ich|mein\w*|wir|unser\w*|je|j'ai|mon|ma|mes|nous|notre|yo|mi|"
    r"mis|nosotros|eu|meu|minha|n[óo]s|io|mio|mia|ho|noi|ik|mijn|wij)(?!\w)",
    re.IGNORECASE,
)
_SHOUT = re.compile(r"!{2,}|[$€£]\s?\d|\d\s?[$€£%]|(?<!\w)[A-Z]{4,}(?:\W+[A-Z]{2,}){2}")
_MOST_CHARS = 4_000
_SELLING_WORDS = 3
_SHOUTED_WORDS = 2


def noise_reason(
    utterances: Sequence[Utterance], *, is_answer_known: bool = False
) -> NoiseReason | None:
    """The reason why nothing can be mined from a conversation, or None.

    Args:
        utterances: The turns in order.
        is_answer_known: An answer is known that is no turn, such as the outcome of an edit.
    """
    asked = [i for i, u in enumerate(utterances) if u.role == "customer" and _WORD.search(u.text)]
    if not asked:
        return "no_customer"
    if all(is_advertisement(utterances[i].text) for i in asked):
        return "advertisement"
    later = {u.role for u in utterances[asked[0] + 1 :]}
    if is_answer_known or "agent" in later:
        return None
    return "bot_only" if "bot" in later else "no_answer"


def is_advertisement(text: str) -> bool:
    """Whether a message is a link alone, or sells something by one.

    >>> is_advertisement("You WON a prize, click here to claim: https://win.example/a")
    True
    >>> is_advertisement("My discount does not work on https://shop.example/lamp")
    False
    """
    seen = text[:_MOST_CHARS]
    bare = _ADDRESS.sub(" ", without_links(seen))
    if bare == seen:
        return False
    if not _WORD.search(bare):
        return True
    # "Claim" is also a word of complaints, so what sells is taken out first.
    rest = _SELLS.sub(" ", bare).replace("\u2019", "'")
    if "?" in rest or _PERSON.search(rest) or names_fault(rest):
        return False
    selling = len({m[0].lower() for m in _SELLS.finditer(bare)})
    is_shouted = _SHOUT.search(bare) is not None or len(find_emoji(bare)) > _SHOUTED_WORDS
    return selling >= (_SHOUTED_WORDS if is_shouted else _SELLING_WORDS)
