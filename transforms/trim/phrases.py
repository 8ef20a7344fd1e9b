"""The fixed phrases that mail programs and people write around a mail, as one record a language."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """The fixed phrases of one language, as alternatives of regular expressions."""

    wrote: tuple[str, ...] = ()
    """Verb of an attribution line: `On …, Robin wrote:`."""
    on_date: tuple[str, ...] = ()
    """How such a line begins where its date comes first, in its own case."""
    no_name: tuple[str, ...] = ()
    """First word of a person who is described, not named: article, pronoun, possessive."""
    sender: tuple[str, ...] = ()
    """Label of the sender in a header block."""
    sent: tuple[str, ...] = ()
    """Label of its date."""
    receiver: tuple[str, ...] = ()
    """Label of those it went to."""
    subject: tuple[str, ...] = ()
    """Label of its subject."""
    original: tuple[str, ...] = ()
    """Words between dashes, or ending in a colon, above a quoted or forwarded mail."""
    reply_above: tuple[str, ...] = ()
    """Line that a ticket system puts between the reply and the thread."""
    above_line: tuple[str, ...] = ()
    """What such a line calls itself where it is drawn: known between marks, whatever is around."""
    mobile: tuple[str, ...] = ()
    """How the line begins that a mail program adds by itself."""
    aside: tuple[str, ...] = ()
    """How a second clause of such a line begins: it excuses typos or names the program's shop."""
    closing: tuple[str, ...] = ()
    """Formula that ends a mail and says nothing else."""
    thanks: tuple[str, ...] = ()
    """Formula that ends a mail where it stands alone in the last line or above a name."""
    greeting: tuple[str, ...] = ()
    """How the first line begins when it only greets."""
    disclaimer: tuple[str, ...] = ()
    """Piece of a sentence that only lawyers write."""
