"""Frozen snapshots are verified, proven, compared and described."""

import json
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deltalake import DeltaTable

from deskwheel import lake
from deskwheel.errors import ConfigError, SnapshotError
from deskwheel.records import Redaction, Snapshot, ValidatedExample
from deskwheel.settings import Settings
from deskwheel.tables import VALIDATED
from tests.validate.frozen import judged, store, told
from validate.snapshots.card import QUANTILES, card_facts, render_card
from validate.snapshots.commands import snapshot_verb
from validate.snapshots.difference import LEFT_OUT, compare_snapshots
from validate.snapshots.freeze import freeze_snapshot
from validate.snapshots.store import find_snapshot, load_frozen
from validate.snapshots.verify import Proof, prove_member, verify_snapshot

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def frozen(settings: Settings, *rows: ValidatedExample, hours: int = 0) -> Snapshot:
    version = store(settings, *rows)
    return freeze_snapshot(settings, table_version=version, now=NOW + timedelta(hours=hours))


def call(settings: Settings, *words: str, as_json: bool = True) -> int:
    action, *names = words
    arguments = Namespace(action=action, names=names, to=None, format="jsonl", json=as_json)
    return snapshot_verb(settings, arguments)


def change(settings: Settings, updates: dict[str, str], example_id: str) -> int:
    """Change stored rows behind the gate's back; the table's new version."""
    table = DeltaTable(lake.table_path(settings.pipeline.lake, VALIDATED))
    table.update(updates=updates, predicate=f"example_id = '{example_id}'")
    return table.version()


def test_untouched_snapshot_verifies(settings: Settings) -> None:
    snapshot = frozen(settings, judged(told("a")), judged(told("b"), "valid", "test"))
    found = verify_snapshot(settings.pipeline.lake, snapshot)
    assert found.holds
    assert (found.content_digest, found.merkle_root, found.manifest) == (True, True, True)


@pytest.mark.parametrize(
    ("updates", "differs"),
    [
        ({"response": "'Do something else.'"}, "merkle_root"),
        ({"context": "'agent: hello'"}, "merkle_root"),
        ({"content_hash": "'x'"}, "content_digest"),
        ({"split": "'test'"}, "content_digest"),
        ({"kind": "'negative'"}, "merkle_root"),
        ({"verdict": "'erased'"}, "missing"),
    ],
)
def test_snapshot_over_other_rows_does_not_verify(
    settings: Settings, updates: dict[str, str], differs: str
) -> None:
    snapshot = frozen(settings, judged(told("a")), judged(told("b"), "valid", "test"))
    moved = replace(snapshot, table_version=change(settings, updates, "ex-a-1"))
    found = verify_snapshot(settings.pipeline.lake, moved)
    assert not found.holds
    assert not getattr(found, differs) if differs != "missing" else found.missing == ["ex-a-1"]


def test_snapshot_with_another_manifest_does_not_verify(settings: Settings) -> None:
    snapshot = frozen(settings, judged(told("a")))
    forged = (snapshot.manifest or "").replace("support", "other")
    found = verify_snapshot(settings.pipeline.lake, replace(snapshot, manifest=forged))
    assert (found.holds, found.manifest) == (False, False)


def test_every_member_is_proven_against_the_root_of_the_manifest(settings: Settings) -> None:
    snapshot = frozen(settings, *(judged(told(f"e{i}")) for i in range(7)))
    root = json.loads(snapshot.manifest or "")["merkle_root"]
    for member in snapshot.members:
        proof = prove_member(snapshot, member.example_id)
        assert proof.holds()
        assert proof.root == root
    other = replace(proof, member={**proof.member, "split": "test"})
    assert not other.holds()


def test_proof_survives_as_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = frozen(settings, judged(told("a")), judged(told("b")), judged(told("c")))
    assert call(settings, "prove", snapshot.snapshot_id, "ex-b-1") == 0
    document = json.loads(capsys.readouterr().out)
    assert document.pop("holds")
    assert Proof(**document).holds()


def test_example_outside_has_no_proof(settings: Settings) -> None:
    snapshot = frozen(settings, judged(told("a")))
    with pytest.raises(SnapshotError, match="'ex-z' is not a member"):
        prove_member(snapshot, "ex-z")
    with pytest.raises(SnapshotError, match="without manifests"):
        prove_member(replace(snapshot, manifest=None), "ex-a-1")


def test_difference_names_members_and_why_they_left(settings: Settings) -> None:
    older = frozen(
        settings,
        judged(told("a")), judged(told("b")), judged(told("c", category="ORDER")),
        judged(told("d"), "valid", "test"),
    )  # fmt: skip
    change(settings, {"verdict": "'superseded'", "reasons": "['NEWER_VERSION']"}, "ex-b-1")
    change(settings, {"verdict": "'quarantined'", "reasons": "['CSAT_LOW']"}, "ex-c-1")
    newer = frozen(settings, judged(told("e", channel="email")), hours=1)
    found = compare_snapshots(settings.pipeline.lake, older, newer)
    assert (found.added, found.removed) == (["ex-e-1"], ["ex-b-1", "ex-c-1"])
    assert found.reasons == {"superseded: NEWER_VERSION": 1, "quarantined: CSAT_LOW": 1}
    assert found.is_sound
    assert found.mix["category"] == {"ORDER": (1, 0), "SETUP": (3, 3)}
    assert found.mix["channel"] == {"chat": (4, 2), "email": (0, 1)}
    assert found.mix["split"] == {"test": (1, 1), "train": (3, 2)}


def test_member_that_was_left_out_is_told_from_one_that_lost_its_verdict(
    settings: Settings,
) -> None:
    older = frozen(settings, judged(told("a")), judged(told("b")))
    copy = told("c", query=told("a").query, response=told("a").response)
    lenient = replace(settings.validate, contamination="drop", max_contaminated_share=1.0)
    version = store(settings, judged(copy, "valid", "test"))
    newer = freeze_snapshot(
        replace(settings, validate=lenient), table_version=version, now=NOW + timedelta(hours=1)
    )
    assert compare_snapshots(settings.pipeline.lake, older, newer).reasons == {LEFT_OUT: 1}


@pytest.mark.parametrize(
    ("updates", "field"), [({"split": "'test'"}, "moved"), ({"response": "'Other.'"}, "changed")]
)
def test_moved_and_changed_members_are_not_sound(
    settings: Settings, updates: dict[str, str], field: str
) -> None:
    older = frozen(settings, judged(told("a")), judged(told("b")))
    version = change(settings, updates, "ex-a-1")
    newer = freeze_snapshot(settings, table_version=version, now=NOW + timedelta(hours=1))
    found = compare_snapshots(settings.pipeline.lake, older, newer)
    assert list(getattr(found, field)) == ["ex-a-1"]
    assert not found.is_sound
    assert call(settings, "diff", older.snapshot_id, "newest") == 1


def card(settings: Settings, snapshot: Snapshot) -> dict[str, Any]:
    return card_facts(settings.pipeline.lake, load_frozen(settings.pipeline.lake, snapshot))


def test_card_counts_what_is_in_and_what_was_kept_out(settings: Settings) -> None:
    masked = Redaction(version="r1", counts={"EMAIL": 2, "PHONE": 1})
    snapshot = frozen(
        settings,
        judged(told("a", redaction=masked, language="en")),
        judged(
            told("b", channel="email", authorship="model_edited", language="de"), "valid", "dev"
        ),
        judged(told("n", kind="negative", negative_kind="rude", redaction=masked)),
        judged(told("q"), "quarantined", "train", "CSAT_LOW", "RESPONSE_RUDE"),
        judged(told("r"), "quarantined", "train", "CSAT_LOW"),
        judged(told("d"), "duplicate", "train", "DUPLICATE_CONTENT"),
    )
    facts = card(settings, snapshot)
    assert facts["counts"]["ideal"] == {"train": 1, "dev": 1, "test": 0}
    assert facts["counts"]["negative"] == {"train": 1, "dev": 0, "test": 0}
    assert facts["mix"]["channel"] == {"chat": 2, "email": 1}
    assert facts["mix"]["authorship"] == {"human": 2, "model_edited": 1}
    assert facts["mix"]["language"] == {"de": 1, "en": 1}
    assert facts["redactions"] == {"EMAIL": 5, "PHONE": 2}
    assert facts["quarantined_by"] == {"CSAT_LOW": 2, "RESPONSE_RUDE": 1}
    assert facts["duplicates_by"] == {"DUPLICATE_CONTENT": 1}
    assert facts["verdicts"] == {"valid": 3, "quarantined": 2, "duplicate": 1}
    lengths = sorted(len(told(name).query) for name in "ab")
    assert facts["lengths"]["query"] == [lengths[0]] * 4 + [lengths[1]] * (len(QUANTILES) - 4)


def test_card_is_a_page_whose_tables_are_whole(settings: Settings) -> None:
    page = render_card(card(settings, frozen(settings, judged(told("a", category="A|B")))))
    assert "# Snapshot snap-" in page
    assert "| A\\|B | 1 |" in page
    assert "language of an example is not recorded" in page
    assert told("a").query not in page


@pytest.mark.parametrize("as_json", [True, False])
def test_every_action_answers(
    settings: Settings, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    older = frozen(settings, judged(told("a")))
    newer = frozen(settings, judged(told("b")), hours=1)
    for words in (
        ("list",), ("show", "newest"), ("verify", older.snapshot_id), ("card", "newest"),
        ("diff", older.snapshot_id, newer.snapshot_id), ("prove", older.snapshot_id, "ex-a-1"),
    ):  # fmt: skip
        assert call(settings, *words, as_json=as_json) == 0
        out = capsys.readouterr().out
        assert "snap-" in out
        if as_json:
            json.loads(out)


def test_snapshots_are_found_by_the_beginning_of_their_id(settings: Settings) -> None:
    older = frozen(settings, judged(told("a")))
    newer = frozen(settings, judged(told("b")), hours=1)
    lake_dir = settings.pipeline.lake
    assert find_snapshot(lake_dir, older.snapshot_id[:12]) == older
    assert find_snapshot(lake_dir, "newest") == newer
    with pytest.raises(SnapshotError, match="2 snapshots begin with 'snap-'"):
        find_snapshot(lake_dir, "snap-")
    with pytest.raises(SnapshotError, match="no snapshot begins with 'x'"):
        find_snapshot(lake_dir, "x")


def test_wrong_number_of_names_says_how_it_is_called(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="diff takes 2 names, got 1: .*OLDER NEWER"):
        call(settings, "diff", "a")
