import re
from pathlib import Path

import pytest

from deskwheel import reasons

CODES = sorted(v for k, v in vars(reasons).items() if k.isupper() and isinstance(v, str))
ROOT = Path(__file__).resolve().parents[2]


def test_every_code_is_named_as_its_constant_and_has_a_meaning() -> None:
    assert CODES == sorted(reasons.MEANING)
    assert all(getattr(reasons, code) == code for code in CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_meaning_is_one_sentence(code: str) -> None:
    meaning = reasons.MEANING[code]
    assert meaning[0].isupper()
    assert meaning.endswith(".")
    assert meaning.count(". ") == 0


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_given_by_the_stage_that_rejects(code: str) -> None:
    stage = ROOT / ("ingest" if code in reasons.AT_THE_DOOR else "transforms")
    # Bytes are read by the kernel for both.
    files = [*stage.rglob("*.py"), ROOT / "deskwheel" / "strict_json.py"]
    text = "\n".join(p.read_text(encoding="utf-8") for p in files)
    assert re.search(rf"\breasons\.{code}\b", text), f"{code} is published and never given"


def test_what_nobody_can_mend_is_not_copied() -> None:
    kept_elsewhere = {"DUPLICATE_EVENT", "MACHINE_MAIL", "NO_WORDS", "VOICEMAIL"}
    assert set(reasons.MEANING) - reasons.DEAD_LETTER == kept_elsewhere | reasons.AT_THE_DOOR
