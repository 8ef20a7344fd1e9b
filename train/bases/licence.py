"""What a candidate's licence allows, out of its model card, its config or its licence file.

Pure but for the files of the candidate's folder. This sorts licences so that nobody overlooks
one; it is no legal advice, and `unknown` means: read it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Terms = Literal["permissive", "restricted", "unknown"]

PERMISSIVE = frozenset(
    "0bsd afl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0"
    " cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0"
    " ecl-2.0 isc mit ncsa pddl postgresql unlicense wtfpl zlib".split()
)
"""Commercial use, change and redistribution are free, at most with notice and attribution.

Source: SPDX License List, the licences that the Open Source Initiative calls permissive; Creative
Commons and Linux Foundation for the data licences. Names as in "Licenses", Hugging Face Hub docs.
"""

RESTRICTED: Mapping[str, str] = {
    "agpl": "what is built with it must be offered under the same licence, over a network too",
    "apple": "for research only",
    "bigcode-openrail": "uses named in the licence are forbidden, and you must pass that on",
    "bigscience": "uses named in the licence are forbidden, and you must pass that on",
    "bloom": "uses named in the licence are forbidden, and you must pass that on",
    "c-uda": "for computational use only",
    "cc-by-nc": "not for commercial use",
    "cc-by-nd": "a fine-tuned model is a derivative, and those may not be shared",
    "cc-by-sa": "what is derived must be shared under the same licence",
    "cc-nc": "not for commercial use",
    "cdla-sharing": "what is derived must be shared under the same licence",
    "cohere": "not for commercial use without a contract",
    "creativeml-openrail": "uses named in the licence are forbidden, and you must pass that on",
    "deepseek": "uses named in the licence are forbidden, and you must pass that on",
    "falcon": "an acceptable use policy, and a share of large revenue",
    "gemma": "a prohibited use policy that you must pass on; Google may restrict use",
    "gpl": "what is built with it must be offered under the same licence",
    "intel-research": "for research only",
    "lgpl": "changes must be offered under the same licence",
    "llama": "an acceptable use policy, a notice, and a limit of 700 million monthly users",
    "meta-llama": "an acceptable use policy, a notice, and a limit of 700 million monthly users",
    "mnpl": "not for production",
    "mrl": "for research only",
    "nvidia-open-model": "conditions of NVIDIA's own",
    "openmdw": "conditions of its own",
    "openrail": "uses named in the licence are forbidden, and you must pass that on",
    "qwen": "a limit of monthly users, or research only, by version",
    "tongyi-qianwen": "a limit of 100 million monthly users",
}
"""Beginning of a licence's name → what restricts.

Source: the texts of the licences named, as their publishers show them; Hub docs, "Licenses".
"""

_TEXTS: tuple[tuple[str, str], ...] = (
    ("llama", r"llama[ \d.]*community license"),
    ("gemma", r"gemma terms of use"),
    ("qwen", r"(tongyi qianwen|qwen)[\w \n.]*license agreement"),
    ("mrl", r"mistral ai research license"),
    ("cc-by-nc", r"attribution-noncommercial"),
    ("cc-by-sa", r"attribution-sharealike"),
    ("openrail", r"\bopen ?rail\b|responsible ai license"),
    ("agpl", r"gnu affero general public license"),
    ("gpl", r"gnu general public license"),
    ("apache-2.0", r"apache license\W+version 2\.0"),
    ("mit", r"\bmit license\b|permission is hereby granted, free of charge"),
    ("bsd", r"redistribution and use in source and binary forms"),
    ("cc-by-4.0", r"creative commons attribution 4\.0"),
)
"""What a licence file is, by its own words; restrictive ones first, because they quote others."""

_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING", "USE_POLICY.md")
_HEAD = 20_000
_PAIR = re.compile(r"(\w+):\s*['\"]?(.*?)['\"]?\s*")


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A candidate's licence and what class it is in."""

    name: str
    """As its publisher writes it, in lower case; empty when none is stated."""
    terms: Terms
    note: str
    """What restricts, or what to do about not knowing; empty where nothing does."""
    source: str
    """Where the name was found: `model card`, `README.md`, `config.json`, the licence's file."""


def classify(name: str, *, source: str) -> Licence:
    """The licence of a name.

    >>> classify("Apache-2.0", source="model card").terms
    'permissive'
    >>> classify("llama3.1", source="model card").note
    'an acceptable use policy, a notice, and a limit of 700 million monthly users'
    """
    known = name.strip().casefold().replace(" ", "-")
    if known in PERMISSIVE:
        return Licence(name=known, terms="permissive", note="", source=source)
    for beginning, note in RESTRICTED.items():
        if known.startswith(beginning):
            return Licence(name=known, terms="restricted", note=note, source=source)
    note = "no licence is stated" if not known else "not in our list"
    return Licence(name=known, terms="unknown", note=f"{note}: read it yourself", source=source)


def licence_of_card(card: Mapping[str, object]) -> Licence | None:
    """The licence in a model card's metadata; None when it names none.

    `other` is the hub's word for a licence of the publisher's own, named in `license_name`.
    """
    stated = card.get("license")
    name = str(stated[0] if isinstance(stated, list) and stated else stated or "")
    if name in ("other", "") and card.get("license_name"):
        name = str(card["license_name"])
    return classify(name, source="model card") if name else None


def licence_of_folder(folder: Path) -> Licence:
    """The licence of a model in a folder: README's front matter, config, then licence files."""
    readme = _read(folder / "README.md")
    card = licence_of_card(front_matter(readme))
    if card is not None:
        return Licence(**{**vars(card), "source": "README.md"})
    config = _read(folder / "config.json")
    stated = json.loads(config).get("license") if config.startswith("{") else None
    if stated:
        return classify(str(stated), source="config.json")
    for name in _FILES:
        text = _read(folder / name).casefold()
        for licence, pattern in _TEXTS:
            if re.search(pattern, text):
                return classify(licence, source=name)
    return classify("", source="")


def front_matter(text: str) -> dict[str, object]:
    r"""Plain `key: value` lines between the first two `---` of a model card.

    >>> front_matter("---\nlicense: mit\n---\nA model.")
    {'license': 'mit'}
    """
    found = re.match(r"---\r?\n(.*?)\r?\n---", text, flags=re.S)
    lines = found[1].splitlines() if found else []
    pairs = (re.fullmatch(r"(\w+):\s*['\"]?(.*?)['\"]?\s*", line) for line in lines)
    matter: dict[str, object] = {p[1]: p[2].strip("[]") for p in pairs if p and p[2]}
    listed = (
        re.search(r"^license:\s*\n\s*-\s*['\"]?([\w.-]+)", found[1], flags=re.M) if found else None
    )
    return {**matter, "license": listed[1]} if listed else matter


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_HEAD)
    except OSError:
        return ""
