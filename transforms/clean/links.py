"""Links without what only marketing needs: click trackers become their targets, campaign tags go.

What a link leads to stays: scheme, host, path and every other parameter. Nothing is fetched: a
tracker that hides its target (a number in a database of its own) stays as it is. What was done is
counted by kind. Values that tell who somebody is are not touched here: `transforms.redact` masks
them, so that they are counted as personal data.
"""

import binascii
import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

PARAMETER = "link_parameter"
UNWRAPPED = "link_unwrapped"
"""What was done to a link, as notes count it."""

MOST_CHARS = 4_000
"""Longer links stay as they are."""

_LINK = re.compile(r"https?://[^\s<>\"'`]{4,}", re.IGNORECASE)
_TRAILING = ".,;:!?…"
_TRACKERS = (
    "utm_", "hsa_", "mtm_", "pk_", "piwik_", "matomo_", "itm_", "oly_", "vero_", "_hs", "__hs",
    "trk_", "at_custom", "at_campaign", "ml_subscriber", "stm_",
)  # fmt: skip
_TRACKER = frozenset(
    {
        "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid",
        "ymclid", "twclid", "ttclid", "igshid", "igsh", "li_fat_id", "rdt_cid", "epik", "scclid",
        "mc_cid", "mc_eid", "mkt_tok", "hsctatracking", "_openstat", "_ga", "_gl", "_ke", "_kx",
        "s_cid", "s_kwcid", "ef_id", "elqtrackid", "elqtrack", "elqaid", "elqat", "elqcampaignid",
        "wickedid", "rb_clickid", "dm_i", "ck_subscriber_id", "bsft_eid", "bsft_uid", "sfmc_id",
        "sc_src", "sc_lid", "sc_uid", "sc_llid", "nr_email_referer", "spm_id", "irclickid",
        "guce_referrer", "guce_referrer_sig", "sms_click", "cmpid", "mbid", "unicorn_click_id",
    }
)  # fmt: skip
"""Parameters that tell where a click came from. Source: documentation of their owners (Google
Analytics, Meta, Microsoft, HubSpot, Mailchimp, Marketo, Matomo, Adobe, Oracle Eloqua, Klaviyo) and
what browsers strip (Firefox, `privacy.query_stripping.strip_list`)."""

_DOORS = frozenset(
    "click clicks track tracking trk email-click links-track redirect redir go r ct t out clicktime"
    " clicktracking".split()
)
"""First labels of hosts that only lead on."""
_KNOWN_DOORS = re.compile(
    r"(?:^|\.)(?:safelinks\.protection\.outlook\.com|urldefense\.(?:com|us|proofpoint\.com)"
    r"|clicktime\.symantec\.com|linkprotect\.cudasvc\.com|secure-web\.cisco\.com"
    r"|protect\d?\.fireeye\.com|urlsand\.(?:com|esvalabs\.com)|l\.(?:facebook|instagram)\.com)$"
)
_GOOGLE = re.compile(r"^(?:www\.)?google\.[a-z.]{2,6}$")
_TARGETS = ("url", "u", "a", "q", "target", "redirect", "redirect_url", "redirecturl", "dest",
            "destination", "to", "link", "goto")  # fmt: skip
_V3 = re.compile(r"/v3/__(?P<target>.+?)__;(?P<bytes>[^!]*)!")
_V3_RUN = re.compile(r"\*(?:\*(?P<length>[A-Za-z0-9_-]))?")
_V3_LENGTHS = {
    c: i + 2
    for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}
_DEEPEST = 3


def tidy_links(text: str) -> tuple[str, dict[str, int]]:
    """The text with its links tidied, and how many parameters and trackers went.

    >>> tidy_links("See https://shop.example/lamp?utm_source=mail&size=2#top.")
    ('See https://shop.example/lamp?size=2#top.', {'link_parameter': 1})
    """
    if "://" not in text:
        return text, {}
    done: Counter[str] = Counter()
    return _LINK.sub(lambda m: _tidied(m[0], done), text), dict(done)


def without_links(text: str) -> str:
    """The text with each link as a space."""
    return _LINK.sub(" ", text) if "://" in text else text


def _tidied(found: str, done: Counter[str]) -> str:
    if len(found) > MOST_CHARS:
        return found
    link = found.rstrip(_TRAILING)
    if link.endswith(")") and "(" not in link:
        link = link.rstrip(")" + _TRAILING)
    tail = found[len(link) :]
    for _ in range(_DEEPEST):
        target = _target(link)
        if target is None:
            break
        done[UNWRAPPED] += 1
        link = target
    return _without_trackers(link, done) + tail


def _without_trackers(link: str, done: Counter[str]) -> str:
    bare, mark, fragment = link.partition("#")
    page, question, query = bare.partition("?")
    if not question:
        return link
    pairs = re.split("&amp;|&", query)
    kept = [pair for pair in pairs if not _is_tracker(pair)]
    if len(kept) == len(pairs):
        return link
    done[PARAMETER] += len(pairs) - len(kept)
    return page + ("?" + "&".join(kept) if kept else "") + mark + fragment


def _is_tracker(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name in _TRACKER or name.startswith(_TRACKERS)


def _target(link: str) -> str | None:
    """Where a click tracker leads, if its link says so."""
    scheme, _, rest = link.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].lower()
    host = host.rpartition("@")[2].partition(":")[0]
    if not _is_door(host):
        return None
    for found in _targets(host, link):
        if _LINK.fullmatch(found) and found != link:
            return found
    return None


def _is_door(host: str) -> bool:
    is_known = _KNOWN_DOORS.search(host) or _GOOGLE.match(host)
    return bool(is_known) or (host.count(".") > 1 and host.partition(".")[0] in _DOORS)


def _targets(host: str, link: str) -> Iterator[str]:
    """What may be the target: a parameter, or a part of the path."""
    if "urldefense" in host and (v3 := _V3.search(link)):
        yield _urldefense_v3(v3["target"], v3["bytes"])
    if _GOOGLE.match(host) and "/url?" not in link:
        return
    query = link.partition("#")[0].partition("?")[2]
    values: dict[str, str] = {}
    for pair in re.split("&amp;|&", query):
        name, _, value = pair.partition("=")
        values.setdefault(name.lower(), value)
    for name in _TARGETS:
        if value := values.get(name):
            is_v2 = "urldefense" in host and "/v2/" in link
            yield unquote(value.translate({ord("-"): "%", ord("_"): "/"}) if is_v2 else value)
    if host.startswith("secure-web."):
        yield unquote(link.rpartition("/")[2])


def _urldefense_v3(target: str, encoded: str) -> str:
    """The link inside a URL Defense v3 link, whose odd characters stand apart in base64.

    Source: Proofpoint, "URL Decoder API" (TAP documentation), version 3.
    """
    try:
        odd = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
    at = 0

    def put_back(match: re.Match[str]) -> str:
        nonlocal at
        length = _V3_LENGTHS[match["length"]] if match["length"] else 1
        at += length
        return odd[at - length : at]

    return re.sub(r"^(https?:/)(?!/)", r"\1/", _V3_RUN.sub(put_back, target))
