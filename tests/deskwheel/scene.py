"""A pipeline of toy size that has gone round the loop once."""

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

from deskwheel import lake
from deskwheel.audit import audit_document, conservation
from deskwheel.config import load
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, SNAPSHOTS, TURNS, VALIDATED
from tests.deskwheel.rows import NOW, rows_of

EVIL = "<script>alert('x')</script>"


def build_scene(home: Path, *, scale: int = 1) -> Settings:
    """The settings of a pipeline whose tables and state are under `home`."""
    (home / "secrets").mkdir(parents=True, exist_ok=True)
    settings = load(
        None,
        [
            f"pipeline.lake={home / 'lake'}",
            f"pipeline.state_url=sqlite:///{home / 'state.db'}",
            f"pipeline.secrets_dir={home / 'secrets'}",
        ],
    )
    _write_tables(home / "lake", scale)
    _write_state(settings, scale)
    return settings


def _write_tables(path: Path, scale: int) -> None:
    intake = _turns(scale)
    lake.append(path, TURNS, rows_of(TURNS, intake))
    conversations = [
        {"conversation_id": f"c{n}", "version": 1, "resolution": kind, "category": "billing"}
        for n, kind in enumerate(["resolved"] * 6 * scale + ["undecided"] * 2 * scale)
    ]
    reopened = {"conversation_id": "c0", "version": 2, "resolution": "unresolved", "category": "x"}
    lake.append(path, CONVERSATIONS, rows_of(CONVERSATIONS, [*conversations, reopened]))
    names = [f"e{n}" for n in range(10 * scale)]
    lake.append(path, EXAMPLES, rows_of(EXAMPLES, [{"example_id": n} for n in names]))
    valid = {"verdict": "valid", "split": "train", "category": "billing"}
    judged = [{"example_id": n, "content_hash": n, **valid} for n in names[: 8 * scale]]
    judged += [
        {"example_id": n, "verdict": "quarantined", "reasons": ["PII_LEFT_IN_QUERY", EVIL]}
        for n in names[8 * scale :]
    ]
    lake.append(path, VALIDATED, rows_of(VALIDATED, judged))
    lake.append(path, SNAPSHOTS, rows_of(SNAPSHOTS, [{"snapshot_id": "snap-1"}]))
    lake.append(path, FEEDBACK, rows_of(FEEDBACK, _feedback(scale)))


def _turns(scale: int) -> list[dict[str, Any]]:
    verdicts = ["accepted"] * 20 * scale + ["rejected"] * 3 * scale + ["duplicate"] * scale
    reasons = {"rejected": "NOT_JSON", "duplicate": "DUPLICATE_EVENT"}
    return [
        {
            "source": {"topic": "raw.chat", "partition": n % 3, "offset": n // 3},
            "verdict": verdict,
            "reason": EVIL if n == 20 * scale else reasons.get(verdict),
            "channel": "chat",
        }
        for n, verdict in enumerate(verdicts)
    ]


def _feedback(scale: int) -> list[dict[str, Any]]:
    rows = []
    for n in range(8 * scale):
        variant = "adapter-2" if n % 4 == 0 else "prompt-bot"
        common = {"trace_id": f"t{n}", "variant": variant, "verdict": "accepted"}
        rows.append({**common, "kind": "assignment"})
        for minute, csat in enumerate((1, 5 if variant == "adapter-2" else 3)):
            late = NOW + timedelta(minutes=minute)
            outcome = {"kind": "outcome", "csat": csat, "is_completed": n % 3 > 0}
            rows.append({**common, **outcome, "occurred_at": late})
    return [
        {**row, "source": {"topic": "feedback", "partition": 0, "offset": n}}
        for n, row in enumerate(rows)
    ]


def _write_state(settings: Settings, scale: int) -> None:
    state, name = State(settings.pipeline.state_url), settings.pipeline.name
    points = [[step, 5.4 * math.exp(-step / 40) + 0.6] for step in range(0, 181, 5)]
    state.put("run", "run-1", {**_RUN, "last_loss": points[-1][1]})
    state.put("loss_curve", "run-1", {"points": [*points, [185, math.nan]]})
    state.put("evaluation", "eval-1", _EVALUATION)
    state.put(
        "split", name,
        {"salt": "s", "champion": "prompt-bot", "challenger": "adapter-2", "share": 0.25},
    )  # fmt: skip
    state.record(name, "decided", "adapter-2", {"verdict": "continue", "why": "too few outcomes"})
    for outcome, fresh in (("too_few", 310), ("fired", 812)):
        reason = f"{fresh} effective of {fresh} fresh examples, 800 are needed"
        state.record(name, "trigger", outcome, {"outcome": outcome, "reason": reason})
    state.claim_window(name, 0, to_version=1, owner="w", detail={})
    for kind, subject in (
        ("frozen", "snap-1"), ("trained", "run-1"), ("evaluated", "eval-1"),
        ("promoted", "adapter-2"), ("held", EVIL),
    ):  # fmt: skip
        state.record(name, kind, subject, {"examples": 8, "base": "demo"})
    ends = {partition: (0, 8 * scale) for partition in range(3)}
    offsets = {"raw.chat": ends, "feedback": {0: (0, 24 * scale)}}
    audit = conservation(settings.pipeline.lake, offsets)
    state.put("audit", name, audit_document(audit, NOW))
    state.close()


_RUN = {
    "run_id": "run-1", "snapshot_id": "snap-1", "base_model": "demo", "steps": 180,
    "first_loss": 6.0, "finished_at": "2026-01-05T12:00:00+00:00",
}  # fmt: skip
_EVALUATION = {
    "evaluation_id": "eval-1", "run_id": "run-1", "snapshot_id": "snap-1", "examples": 96,
    "verdict": "PROMOTE", "evaluated_at": "2026-01-05T12:01:00+00:00",
    "reasons": [
        "rouge_l: +0.492 over the champion, lower bound +0.441 > 0",
        f"needless_apology: not worse; {EVIL}",
    ],
    "scores": {
        "base": {"rouge_l": 0.075, "token_f1": 0.11, "needless_apology": 1.0, "perplexity": 1413.2},
        "champion": {
            "rouge_l": 0.088, "token_f1": 0.12, "needless_apology": 0.97, "perplexity": 980.0,
        },
        "challenger": {
            "rouge_l": 0.58, "token_f1": 0.61, "needless_apology": 0.0, "perplexity": 2.14,
        },
    },
}  # fmt: skip


def write_stack(home: Path) -> None:
    """A `stack.json` as a supervisor that has ended leaves it."""
    fields = {"phase": "failed", "since": "2026-01-05T12:00:00+00:00", "restarts": 3}
    services = {
        "serving": {"name": "serving", **fields, "problem": EVIL, "facts": {"url": EVIL}},
        "console": {"name": "console", **fields, "facts": {"url": "http://127.0.0.1:21000"}},
    }
    body = {"supervisor": None, "services": services}
    (home / "stack.json").write_text(json.dumps(body), encoding="utf-8")
