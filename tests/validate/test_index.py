"""The gate's index: equal to the table after anything, and a batch's answers without a scan."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from deskwheel import lake
from deskwheel.records import Conversation, Example, ValidatedExample
from deskwheel.schema import to_table
from deskwheel.tables import CONVERSATIONS, VALIDATED
from tests.validate.frozen import words
from tests.validate.rows import NOON, conversation, example
from validate.candidates import Candidate, Decision
from validate.catch_up import catch_up
from validate.entries import Entry, make_entry
from validate.index import Index, open_index
from validate.lookup import look_up
from validate.near import band_keys, minima, sign
from validate.returns import asked_pieces
from validate.verdicts import decide

TEXT = (
    "Hold the small button on the back of the router for ten seconds until the light turns amber,"
    " then wait two minutes and enter the key that is printed under the case."
)


def entry(found: Example, reasons: Sequence[str] = ()) -> Entry:
    """An example as the gate makes it out of a row of a batch."""
    [signature] = sign([(found.query, found.response)])
    row = {
        **asdict(found), "signature": signature, "warnings": [], "reasons": list(reasons),
        "asked": asked_pieces(found.query),
    }  # fmt: skip
    return make_entry(row, split="train")


def judge(index: Index, entries: Iterable[Entry]) -> dict[str, Decision]:
    """Decisions on a batch, out of what the index says alone."""
    batch = {e.candidate.example_id: e for e in entries}
    newest = index.newest_versions({e.candidate.conversation_id for e in batch.values()})
    for e in batch.values():
        c = e.candidate
        if c.conversation_version > 1:
            newest[c.conversation_id] = max(
                newest.get(c.conversation_id, 1), c.conversation_version
            )
    stored = index.of_conversations({e.candidate.conversation_id for e in batch.values()})
    fresh = {i: e for i, e in batch.items() if i not in {c.example_id for c in stored}}
    seen = look_up(index, list(fresh.values()), newest, of_conversations=stored)
    found = decide(seen.existing, [e.candidate for e in fresh.values()], newest, seen.links)
    index.apply(found, fresh, version=(index.reflects.version or 0) + 1)
    return found


def rows(decisions: dict[str, Decision], examples: dict[str, Example]) -> list[ValidatedExample]:
    """Rows of the table that say what was decided."""
    return [
        ValidatedExample(
            **{f: getattr(examples[i], f) for f in Example.__dataclass_fields__},
            verdict=d.verdict,
            reasons=d.reasons,
            split="train",
            suite_version="suite-1",
            validated_at=NOON,
            cluster_id=d.place.cluster_id,
            group_id=d.place.group_id,
            duplicate_of=d.duplicate_of,
            signature=sign([(examples[i].query, examples[i].response)])[0],
        )
        for i, d in decisions.items()
    ]


def everything(index: Index) -> list[Candidate]:
    names = {row[0] for row in index._base.execute("SELECT example_id FROM examples")}  # noqa: SLF001
    return sorted(index.of_ids(names), key=lambda c: c.example_id)


def near_copies(chance: random.Random) -> list[Example]:
    """Examples of four conversations' versions whose texts are more or less alike."""
    found = []
    words = TEXT.split()
    for number in range(24):
        changed = list(words)
        for _ in range(chance.choice([0, 0, 1, 2, 5])):
            changed[chance.randrange(len(words))] = chance.choice(["soon", "gently", "twice"])
        query = chance.choice(["How do I reset my router?", "Where is the invoice of March?"])
        found.append(
            example(
                f"c{number % 8}",
                version=1 + number // 8,
                content=query + " ".join(changed),
                minute=chance.randrange(60),
                query=query,
                response=" ".join(changed),
                csat=chance.choice([None, 5]),
            )
        )
    return found


@settings(max_examples=12)
@given(st.integers(0, 10**9))
def test_what_the_index_finds_decides_like_the_whole_table(seed: int) -> None:
    chance = random.Random(seed)
    arrivals = [entry(e, chance.choice([(), (), ("CSAT_LOW",)])) for e in near_copies(chance)]
    chance.shuffle(arrivals)
    with (
        TemporaryDirectory() as folder,
        open_index(Path(folder) / "grown") as index,
        open_index(Path(folder) / "at-once") as whole,
    ):
        for start in range(0, len(arrivals), 6):
            judge(index, arrivals[start : start + 6])
        judge(whole, arrivals)
        for found in (index, whole):
            kept = {c.place.group_id: c.outcome for c in everything(found) if c.verdict == "valid"}
            alive = [c for c in everything(found) if c.verdict in ("valid", "duplicate")]
            assert {c.place.group_id for c in alive} == kept.keys()
            assert all(c.outcome <= kept[c.place.group_id] for c in alive)
        assert _groups(index) == _groups(whole)


def _groups(index: Index) -> list[list[tuple[str, bool]]]:
    found: dict[str, list[tuple[str, bool]]] = {}
    for c in everything(index):
        if c.place.group_id is not None:
            found.setdefault(c.place.group_id, []).append((c.example_id, c.verdict == "superseded"))
    return sorted(found.values())


def test_duplicate_follows_the_valid_one_that_is_superseded(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        judge(index, [entry(example("a"))])
        judge(index, [entry(example("b", minute=1)), entry(example("c", minute=2))])
        found = judge(
            index, [entry(example("a", version=2, content="new", query="Who?", response="I do."))]
        )
    assert {i: d.verdict for i, d in found.items()} == {
        "ex-a-1": "superseded", "ex-a-2": "valid", "ex-b-1": "valid",
    }  # fmt: skip


def test_clusters_that_meet_are_renamed_with_all_their_rows(tmp_path: Path) -> None:
    long = [f"{word}{n}" for n in "abc" for word in words("long", 20).split()]

    def changed(name: str, count: int) -> Entry:
        said = [w + "x" if n % 6 == 0 and n < 6 * count else w for n, w in enumerate(long)]
        return entry(example(name, response=" ".join(said)))

    with open_index(tmp_path / "index") as index:
        judge(index, [changed("a", 0), changed("b", 0), changed("c", 10), changed("d", 10)])
        assert {c.place.cluster_id for c in everything(index)} == {"ex-a-1", "ex-c-1"}
        found = judge(index, [changed("e", 5)])
        assert {c.place for c in everything(index)} == {("ex-a-1", "train", "ex-a-1")}
    assert {i: d.verdict for i, d in found.items()} == {
        "ex-c-1": "duplicate", "ex-d-1": "duplicate", "ex-e-1": "duplicate",
    }  # fmt: skip


@pytest.fixture
def lake_dir(tmp_path: Path) -> Path:
    lake.ensure(tmp_path / "lake", VALIDATED)
    return tmp_path / "lake"


def fill(lake_dir: Path, file: Path, *names: str) -> None:
    """Judge examples of equal content in one batch each, and commit them."""
    for number, name in enumerate(names):
        found = example(name, content="same", minute=number)
        with open_index(file) as index:
            catch_up(index, lake_dir)
            decided = judge(index, [entry(found)])
        lake.append(
            lake_dir,
            VALIDATED,
            to_table(rows(decided, {found.example_id: found}), ValidatedExample),
        )


def caught_up(lake_dir: Path, file: Path) -> list[Candidate]:
    with open_index(file) as index:
        catch_up(index, lake_dir)
        assert index.reflects.version == lake.current_version(lake_dir, VALIDATED)
        return everything(index)


def test_index_made_anew_equals_the_one_that_grew(lake_dir: Path, tmp_path: Path) -> None:
    fill(lake_dir, tmp_path / "grown", "a", "b", "c")
    grown = caught_up(lake_dir, tmp_path / "grown")
    assert [c.verdict for c in grown] == ["valid", "duplicate", "duplicate"]
    assert {c.place for c in grown} == {("ex-a-1", "train", "ex-a-1")}
    assert caught_up(lake_dir, tmp_path / "anew") == grown


def test_deleted_or_broken_file_is_made_anew(lake_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "index"
    fill(lake_dir, file, "a", "b")
    before = caught_up(lake_dir, file)
    file.write_bytes(b"this is no database" * 100)
    file.with_name("index-wal").unlink(missing_ok=True)
    assert caught_up(lake_dir, file) == before
    file.unlink()
    assert caught_up(lake_dir, file) == before


def test_commits_of_others_are_read(lake_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "index"
    fill(lake_dir, file, "a", "b", "c")
    before = caught_up(lake_dir, file)
    table = DeltaTable(lake.table_path(lake_dir, VALIDATED))
    table.optimize.compact()
    assert caught_up(lake_dir, file) == before
    table.update(updates={"verdict": "'quarantined'"}, predicate="example_id = 'ex-b-1'")
    assert [c.verdict for c in caught_up(lake_dir, file)] == ["valid", "quarantined", "duplicate"]
    table.delete("example_id = 'ex-a-1'")
    assert [c.example_id for c in caught_up(lake_dir, file)] == ["ex-b-1", "ex-c-1"]


def test_table_made_anew_is_noticed(lake_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "index"
    fill(lake_dir, file, "a")
    caught_up(lake_dir, file)
    other = tmp_path / "other"
    lake.ensure(other, VALIDATED)
    fill(other, tmp_path / "unused", "z")
    assert [c.example_id for c in caught_up(other, file)] == ["ex-z-1"]


def test_erased_example_leaves_no_signature(lake_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "index"
    fill(lake_dir, file, "a")
    caught_up(lake_dir, file)
    DeltaTable(lake.table_path(lake_dir, VALIDATED)).update(
        updates={"verdict": "'erased'", "signature": "null"}, predicate="example_id = 'ex-a-1'"
    )
    caught_up(lake_dir, file)
    with open_index(file) as index:
        found = entry(example("a"))
        assert index.of_shapes([found.shape or 0]) == {}
        assert index.signatures([found.shape or 0]) == {}
        assert index.meeting(band_keys(minima([found.signature or b""]), [found.scope])) == []


def test_rows_of_a_release_without_clusters_lie_in_that_of_their_content(
    lake_dir: Path, tmp_path: Path
) -> None:
    old = {"a": "valid", "b": "duplicate", "c": "quarantined"}
    found = [
        replace(
            rows({f"ex-{n}-1": Decision("valid")}, {f"ex-{n}-1": example(n, content="x")})[0],
            verdict=verdict,  # type: ignore[arg-type]
            signature=None,
        )
        for n, verdict in old.items()
    ]
    lake.append(lake_dir, VALIDATED, to_table(found, ValidatedExample))
    with open_index(tmp_path / "index") as index:
        catch_up(index, lake_dir)
        assert [c.place.group_id for c in everything(index)] == ["ex-a-1", "ex-a-1", None]
        [later] = judge(index, [entry(example("d", content="x"))]).values()
    assert (later.verdict, later.duplicate_of) == ("duplicate", "ex-a-1")


def test_newest_version_of_a_conversation_is_known(lake_dir: Path, tmp_path: Path) -> None:
    for version in (1, 3, 2):
        lake.append(lake_dir, CONVERSATIONS, to_table([conversation("a", version)], Conversation))
        with open_index(tmp_path / "index") as index:
            catch_up(index, lake_dir)
    with open_index(tmp_path / "index") as index:
        assert index.newest_versions(["conv-a", "conv-b"]) == {"conv-a": 3}


def test_split_of_a_customer_is_remembered(lake_dir: Path, tmp_path: Path) -> None:
    fill(lake_dir, tmp_path / "index", "a")
    with open_index(tmp_path / "index") as index:
        catch_up(index, lake_dir)
        known = entry(example("b")).subject
        assert index.splits([known, "nobody"]) == {known: "train"}
