import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from deskwheel.config import load
from deskwheel.console.charts import bar, line_chart, nice_ticks
from deskwheel.console.facts import digest_of, snapshot_of
from deskwheel.console.page import detail, render_page, score_rows, tone
from deskwheel.progress import begin_progress
from deskwheel.report import write_report
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.deskwheel.rows import NOW
from tests.deskwheel.scene import EVIL, build_scene, write_stack


class Tags(HTMLParser):
    """Collects tags, addresses and how deep the tags are nested at the end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another tag"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("scene")
    write_stack(home)
    return build_scene(home)


def test_facts_count_what_the_tables_hold(settings: Settings) -> None:
    facts = snapshot_of(settings)
    flow = facts["flow"]
    assert (flow["events"], flow["accepted"], flow["rejected"], flow["duplicate"]) == (24, 20, 3, 1)
    assert (flow["conversations"], flow["resolved"]) == (8, 5)
    assert (flow["examples"], flow["valid"], flow["quarantined"]) == (10, 8, 2)
    assert (flow["runs"], flow["snapshots"], flow["pending"]) == (1, 1, 0)
    assert facts["rejected"][0]["meaning"] == "The payload should be JSON and is not."
    assert facts["audit"]["is_balanced"]


def test_last_outcome_of_an_answer_counts(settings: Settings) -> None:
    arms = {arm["variant"]: arm for arm in snapshot_of(settings)["arms"]}
    assert arms["adapter-2"]["mean_csat"] == 5
    assert (arms["prompt-bot"]["assignments"], arms["prompt-bot"]["outcomes"]) == (6, 6)
    assert (arms["prompt-bot"]["share"], arms["adapter-2"]["share"]) == (0.75, 0.25)


def test_decision_is_the_last_one_told(settings: Settings) -> None:
    decision = snapshot_of(settings)["decision"]
    assert decision == {"variant": "adapter-2", "verdict": "continue", "why": "too few outcomes"}
    assert "too few outcomes" in render_page(snapshot_of(settings))


def test_a_pause_of_the_trigger_is_shown_while_it_holds(settings: Settings) -> None:
    state = State(settings.pipeline.state_url)
    order = {"id": "o", "by": "ann@desk", "reason": "base is changed", "at": NOW.isoformat()}
    state.put("trigger_pause", settings.pipeline.name, {**order, "is_open": True})
    assert "Nothing starts until it is resumed" in render_page(snapshot_of(settings))
    state.put("trigger_pause", settings.pipeline.name, {**order, "is_open": False})
    state.close()
    assert snapshot_of(settings)["pause"] is None


def test_a_run_under_way_shows_how_far_it_is(settings: Settings) -> None:
    state, name = State(settings.pipeline.state_url), settings.pipeline.name
    state.advance_window(name, 0, expect="claimed", phase="submitted", run_id="run-2")
    progress = begin_progress(state, "run-2", pipeline=name, snapshot_id="snap-2", now=NOW)
    progress = replace(
        progress, phase="training", step=45, steps=180, loss=2.25, lr=2e-4, eta_s=61.0,
        tokens_per_s=2300.0, rss_bytes=2**31,
    )  # fmt: skip
    state.put("progress", "run-2", vars(progress))
    state.put("loss_curve", "run-2", {"points": [[1, 5.0], [45, 2.25]]})
    page = render_page(snapshot_of(settings))
    state.advance_window(name, 0, expect="submitted", phase="failed")
    state.close()
    for shown in ("step 45 of 180, 2 min left", "loss 2.250", "2,300 tokens/s", "2,048 MiB"):
        assert shown in page, shown


def test_facts_are_plain_json_even_when_a_loss_diverged(settings: Settings) -> None:
    facts = snapshot_of(settings)
    assert facts["loss_curve"][-1] == [185, None]
    json.dumps(facts, allow_nan=False)


def test_digest_ignores_the_date_only(settings: Settings) -> None:
    facts = snapshot_of(settings, now=NOW)
    assert digest_of(facts) == digest_of({**facts, "generated_at": "later"})
    assert digest_of(facts) != digest_of({**facts, "runs": 2})


def test_report_escapes_text_of_any_origin(settings: Settings, tmp_path: Path) -> None:
    page = write_report(tmp_path / "out" / "report.html", snapshot_of(settings)).read_text("utf-8")
    assert EVIL not in page
    assert page.count("&lt;script&gt;") >= 5
    assert "script" not in Tags(page).names


def test_report_is_well_formed_and_asks_for_nothing_else(settings: Settings) -> None:
    tags = Tags(render_page(snapshot_of(settings)))
    assert not tags.open
    assert {a for a in tags.addresses if a not in ("data:,", "#main")} == {"http://127.0.0.1:21000"}


def test_page_of_a_pipeline_that_has_not_begun_says_so(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    overrides = [f"pipeline.lake={tmp_path / 'lake'}", f"pipeline.secrets_dir={tmp_path / 's'}"]
    overrides.append(f"pipeline.state_url=sqlite:///{tmp_path / 'state.db'}")
    page = render_page(snapshot_of(load(None, overrides)))
    assert "No model has been evaluated yet." in page
    assert not Tags(page).open


def test_score_rows_keep_the_order_of_models() -> None:
    scores = {"challenger": {"rouge_l": 0.5}, "base": {"rouge_l": 0.1}, "other": {"rouge_l": None}}
    (row,) = score_rows({"scores": scores})
    assert row["values"] == [("base", 0.1), ("challenger", 0.5)]
    assert score_rows(None) == []


def test_detail_prefers_the_reason() -> None:
    assert detail({"reason": "too few", "n": 3}) == "too few"
    assert detail({"effective_count": 1200, "nested": {}}) == "effective count 1,200"


def test_tone_tells_good_from_bad() -> None:
    assert [tone(w) for w in ("PROMOTE", "HOLD", "REJECT", "frozen", "repaired")] == [
        "good", "wait", "bad", "calm", "good",
    ]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(0, 7.3), (0, 0), (-0.2, 0.9), (0, 1413)])
def test_ticks_are_few_and_enclose_the_values(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 7


def test_line_needs_two_points() -> None:
    assert line_chart([[0, 1.0], [1, None]], label="x") == ""
    assert "<polyline" in line_chart([[0, 1.0], [1, 1.0]], label="x")


def test_bar_never_leaves_its_track() -> None:
    assert 'width="120.0"' in bar(5, 1)
    assert 'width="0.0"' in bar(0, 0)
