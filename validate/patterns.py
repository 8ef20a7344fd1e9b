"""What the rules look for in text, as Java regular expressions (Spark's `rlike` finds anywhere).

Every repetition is bounded or of one character class, so that no text makes a match slow. Masks
such as `<EMAIL>` never match: they hold no digits and no at sign.
"""

EMAIL_ADDRESS = (
    r"(?i)(?<![\w.%+-])(?!(?:info|support|help|service|sales|orders?|billing|contact|noreply"
    r"|no-reply|postmaster|abuse)@)[\w.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b"
)
"""A mailbox of a person; those of a function are meant to be told to customers.

Source: RFC 5321 section 4.5.3.1 (lengths), RFC 2142 (names of functions).
"""

PHONE_NUMBER = (
    r"(?<![\w.-])(?:\+?1[ .-]?)?(?!\(?8(?:00|33|44|55|66|77|88)\b)"
    r"(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}(?![\d-])"
)
"""A North American number with separators; toll-free ones belong to companies.

Without separators it cannot be told from an order number. Source: NANPA, "About the NANP".
"""

PHONE_NUMBER_ABROAD = (
    r"(?<![\w+])\+(?!1[ .-]?\(?8)[1-9]\d{0,2}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2}"
)
"""An international number with its plus sign. Source: ITU-T E.164, E.123."""

CARD_NUMBER = (
    r"(?<![\d-])(?:(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}))([ -]?)\d{4}\1\d{4}\1\d{4}"
    r"|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?![\d-])"
)
"""16 or 15 digits with the prefix of a card network. Source: ISO/IEC 7812-1, issuer ranges."""

SOCIAL_SECURITY_NUMBER = r"(?<![\w-])(?!000|666|9\d\d)\d{3}-\d{2}-\d{4}(?![\w-])"
"""Three, two and four digits. Source: US Social Security Administration, valid area numbers."""

BANK_ACCOUNT = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"
"""Source: ISO 13616 (IBAN): country, two check digits, up to 30 characters."""

PERSONAL_DATA = (
    EMAIL_ADDRESS, PHONE_NUMBER, PHONE_NUMBER_ABROAD, CARD_NUMBER, SOCIAL_SECURITY_NUMBER,
    BANK_ACCOUNT,
)  # fmt: skip
"""What no text after redaction may hold: a second look, independent of the redactor's code."""

GREETING_ONLY = (
    r"(?i)^\W*(?:(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)"
    r"|dear (?:sir|madam|team|support)|there|team|all|everyone|sir|madam|or|how are you"
    r"|thanks|thank you|anyone there|is anyone there)\b\W*){1,6}$"
)

HANDOFF = (
    r"(?i)\b(?:transfer(?:ring)? (?:you|your (?:call|chat|case))|(?:connect(?:ing)?|put(?:ting)?)"
    r" you (?:through )?(?:to|with) (?:a|an|another|the|our|my|someone|one of)\b"
    r"|escalat(?:e|ed|ing) (?:this|your|the|it)\b|forward(?:ed|ing)? (?:this|your|it)\b[^.\n]{0,40}"
    r"\bto (?:a|an|another|the|our|my) [^.\n]{0,30}(?:team|department|colleague|specialist))"
)

PLACEHOLDER = (
    r"(?i)\{\{[^}\n]{0,60}\}\}|\[(?:insert|your|customer|agent|company|name|link|date)\b[^\]\n]{0,40}\]"
    r"|<(?:insert|your|customer name|agent name|company name)\b[^>\n]{0,40}>|lorem ipsum|\bX{4,}\b"
)

CONTROL_CHARACTER = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}]"
"""C0 and C1 controls but tab, line feed and carriage return. Source: Unicode 15, chapter 23.1."""

BROKEN_ENCODING = (
    r"\x{FFFD}|\x{C3}[\x{80}-\x{BF}\x{2018}-\x{203A}]|\x{C2}[\x{A0}-\x{BF}]"
    r"|\x{E2}\x{20AC}[\x{80}-\x{BF}\x{2018}-\x{203A}\x{153}\x{2122}\x{A6}]|\x{F0}\x{178}"
)
"""The replacement character, or UTF-8 that was read as Windows-1252.

Source: ftfy documentation, "Heuristics for detecting mojibake".
"""

RUDE = (
    r"(?i)\b(?:shut up|idiots?|stupid|moron|dumb(?:ass)?|bullshit|damn(?: it)?|what the hell"
    r"|fuck\w{0,4}|screw you|get lost|not my problem|stop wasting my time|are you (?:deaf|blind)"
    r"|use your brain|i (?:do not|don't) (?:care|give a))\b"
)

QUOTED_THREAD = (
    r"(?m)^ {0,3}>|^ ?On .{6,120} wrote: ?$|^-{2,}\s?(?:Original|Forwarded) [Mm]essage\s?-{2,}"
    r"|^From: .{1,120}\n(?:Sent|Date|To): "
)
"""Lines that mail programs put around what somebody said before. Source: RFC 3676 section 4.5."""

MARKUP = (
    r"(?i)</?(?:html|body|div|span|p|br|table|t[dhr]|a|img|font|style|script)\b[^>\n]{0,200}>"
    r"|&nbsp;"
)

A_WORD = r"\p{L}{2}"
NOTHING = r"^\s*$"
