"""An HTML mail as the plain text its author would have sent: lines, quotes marked, no markup.

What mail programs mark with elements becomes what they mark in plain text: quoted elements get `>`
before each line, a signature element gets the `-- ` line above it, and the start of a replied-to
mail gets a drawn line. `transforms.trim` then reads both kinds of mail alike.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from deskwheel import reasons
from transforms.parse.model import Rejection
from transforms.trim.lines import close_gaps

MOST_CHARS = 1_000_000
"""Characters of HTML that are read; no written mail is longer."""
DEEPEST = 2_000
"""Open elements at once. The parser's time grows with the square: 10⁴ take 0.1 s, 10⁵ 14 s."""
MOST_COPIES = 500_000
"""Elements the parser may have to make anew because formatting was left open around them."""

_SAFE_TAGS = 1_000
"""So few tags can be neither deep nor copied often enough to matter."""
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_NEVER_OPEN = frozenset(
    "area base br col embed hr img input link meta param source track wbr p li td th tr tbody thead"
    " tfoot dt dd option html body head".split()
)
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())

_DROPPED = ["script", "style", "head", "title", "template", "noscript", "svg", "object"]
_HIDDEN = '[style*="display:none"],[style*="display: none"],[hidden],.gmail_default_preheader'
_QUOTED = (
    "blockquote,.gmail_attr,.moz-cite-prefix,.yahoo_quoted,.protonmail_quote,.tutanota_quote,"
    ".zmail_extra,#OLK_SRC_BODY_SECTION,#mail-editor-reference-message-container,"
    ".ms-outlook-mobile-reference-message,.yahoo-quoted-begin,.moz-email-headers-table,"
    "#isReplyContent,.gmail_quote_attribution,.skiff_quote,.hm_quote"
)
_REPLIED = (
    "#divRplyFwdMsg,#appendonsend,#stopSpelling,.OutlookMessageHeader,#x_divRplyFwdMsg,"
    'div[style*="border-top:solid"],div[style*="border-top: solid"],.replyforwardheader'
)
_SIGNED = (
    ".gmail_signature,.moz-signature,#Signature,#signature,#ms-outlook-mobile-signature,"
    "#AppleMailSignature,.yahoo-signature,.ydp-signature,#protonmail_signature_block,"
    ".protonmail_signature_block,[data-smartmail=gmail_signature]"
)
_PARAGRAPHS = frozenset("p h1 h2 h3 h4 h5 h6 table ul ol blockquote pre hr".split())
_BROKEN = (
    "br,p,div,li,tr,blockquote,h1,h2,h3,h4,h5,h6,table,ul,ol,pre,hr,section,article,header,footer,"
    "center,dt,dd"
)
_CELLS = "td,th"

_QUOTE_ON, _QUOTE_OFF = "\x02", "\x03"
_DRAWN_LINE = "\n________________________________\n"
_SIGNATURE_LINE = "\n-- \n"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NO_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n\r"}
_AS_SPACES = {ord(sign): " " for sign in "\t\n\r"}
_QUOTE_SIGN = re.compile(f"([{_QUOTE_ON}{_QUOTE_OFF}])")


def to_text(html: str) -> str:
    """Plain text of an HTML mail; source line ends are spaces, as in a browser.

    Raises:
        Rejection: `TOO_DEEP` or `DECOMPRESSION_BOMB`, because parsing would not end in time.
    """
    html = _visible(html[:MOST_CHARS])
    if not html.strip():
        return ""
    _check(html)
    if "<pre" not in html and "<PRE" not in html:
        html = _on_one_line(html)
    tree = LexborHTMLParser(html)
    tree.strip_tags(_DROPPED)
    for node in tree.css(_HIDDEN):
        node.decompose()
    for node in tree.css(_QUOTED):
        node.insert_before(_QUOTE_ON)
        node.insert_after(_QUOTE_OFF)
    for node in tree.css(_REPLIED):
        node.insert_before(_DRAWN_LINE)
    for node in tree.css(_SIGNED):
        if (node.text() or "").strip():
            node.insert_before(_SIGNATURE_LINE)
    _break_lines(tree)
    root = tree.body or tree.root
    return _marked(root.text()) if root is not None else ""


def _visible(html: str) -> str:
    return html.translate(_NO_CONTROL) if html.isascii() else _CONTROL.sub("", html)


def _on_one_line(html: str) -> str:
    """The words with one space between them; of ASCII in a third of the time of a split."""
    if not html.isascii():
        return " ".join(html.split())
    html = html.translate(_AS_SPACES)
    while "  " in html:
        html = html.replace("  ", " ")
    return html.strip()


def _check(html: str) -> None:
    """Refuse what would make the parser slow or its tree large."""
    if html.count("<") <= _SAFE_TAGS:
        return
    depth = formatting = copies = 0
    for closing, tag in _TAG.findall(html):
        name = tag.lower()
        step = -1 if closing else 1
        if name in _FORMATTING:
            formatting = max(0, formatting + step)
        else:
            copies += formatting
        if name not in _NEVER_OPEN:
            depth = max(0, depth + step)
        if depth > DEEPEST:
            raise Rejection(reasons.TOO_DEEP, f"HTML nested deeper than {DEEPEST} elements")
    if copies > MOST_COPIES:
        raise Rejection(reasons.DECOMPRESSION_BOMB, f"HTML of {copies} elements once it is parsed")


def _break_lines(tree: LexborHTMLParser) -> None:
    for node in tree.css(_BROKEN):
        tag = node.tag
        if tag == "br":
            node.insert_before("\n")
        else:
            _surround(node, "\n\n" if tag in _PARAGRAPHS else "\n")
    for node in tree.css(_CELLS):
        node.insert_after(" ")


def _surround(node: LexborNode, end: str) -> None:
    node.insert_before(end)
    node.insert_after(end)


def _marked(text: str) -> str:
    """Lines with `>` before those between the quote signs, and no more than one empty line."""
    lines: list[str] = []
    depth = 0
    stretches = _QUOTE_SIGN.split(text)
    for number, stretch in enumerate(stretches):
        if stretch == _QUOTE_ON:
            depth += 1
        elif stretch == _QUOTE_OFF:
            depth = max(0, depth - 1)
        else:
            own = [line.strip() for line in stretch.split("\n")]
            # What stands in one line with a sign is a line only where there are words.
            if number and not own[0]:
                del own[0]
            if own and number + 1 < len(stretches) and not own[-1]:
                del own[-1]
            lines += [f"> {line}" for line in own] if depth else own
    return close_gaps("\n".join(lines)).strip("\n")
