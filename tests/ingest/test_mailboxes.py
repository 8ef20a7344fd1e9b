import mailbox
import os
import threading
from pathlib import Path

import pytest

from deskwheel.errors import SetupError
from ingest.run import Pace, run_source
from ingest.sources.files import FileRecord, Look, read_changed
from ingest.sources.model import Context
from tests.ingest.sourcing import FakeLog, Memory, await_tick, items_of, source_of


def mail(number: int, body: str = "Hello") -> bytes:
    return f"From: a@example.com\nMessage-ID: <m{number}@example.com>\n\n{body}\n".encode()


def ids(kind: str, path: Path, position: str | None = None) -> list[str]:
    items = items_of(kind, path=str(path), position=position)
    return [i.event.id for i in items]


def numbered(*numbers: int) -> list[str]:
    return [f"<m{n}@example.com>" for n in numbers]


def mbox_of(path: Path, *mails: bytes) -> None:
    box = mailbox.mbox(path, create=True)
    for one in mails:
        box.add(one)
    box.close()


def test_mails_of_an_mbox_are_what_was_put_in(tmp_path: Path) -> None:
    bodies = ["Hello", "\nFrom me to you\n\nFrom 10:30 on\n\n>From the archive", "", "a\n\n\n"]
    mails = [mail(n, body) for n, body in enumerate(bodies)]
    mbox_of(tmp_path / "box.mbox", *mails)
    items = items_of("mbox", path=str(tmp_path / "box.mbox"))
    assert [i.event.id for i in items] == numbered(0, 1, 2, 3)
    # mailbox escapes only one level, so what was escaped before loses its sign.
    assert [i.event.data for i in items] == [m.replace(b">From the", b"From the") for m in mails]


def test_line_that_only_looks_like_a_separator_splits_no_mail(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    file.write_bytes(
        b"From a@example.com Wed Apr  1 09:00:00 2026\n" + mail(1, "x\n\nFrom here on\n")
    )
    assert ids("mbox", file) == numbered(1)


def test_line_with_a_time_within_a_paragraph_splits_no_mail(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    separator = b"From a@example.com Wed Apr  1 09:00:00 2026\n"
    file.write_bytes(separator + mail(1, "I am at home\nFrom 10:30 on\n"))
    assert ids("mbox", file) == numbered(1)


def test_files_that_changed_at_the_same_moment_are_told_apart(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_bytes(file.name.encode())

    def names(position: str | None, count: int) -> list[FileRecord]:
        looks = [Look(f, f.name, 7, 1) for f in files[-count:]]
        return list(read_changed(lambda: looks, Context(position=position), poll_s=1.0))

    first = names(None, 2)
    assert [r.name for r in first] == ["b", "c"]
    assert [r.name for r in names(first[-1].position, 3)] == ["a"]


def test_a_file_that_the_listing_missed_is_not_skipped_for_a_later_one(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abcd"]
    for file in files:
        file.write_bytes(file.name.encode())
    there = [Look(f, f.name, changed, 1) for changed, f in enumerate(files)]
    # While folders are listed b and c appear, of which only c is seen; then d.
    listings = iter([[there[0], there[2]], there, *[there] * 2])

    def names(position: str | None) -> list[FileRecord]:
        return list(read_changed(lambda: next(listings), Context(position=position), poll_s=1.0))

    first = names(None)
    assert [r.name for r in first] == ["a", "b", "c"]
    assert [r.name for r in names(first[-1].position)] == ["d"]


def test_mail_in_an_mbox_with_other_line_ends_is_read(tmp_path: Path) -> None:
    separator = b"From a@example.com Wed Apr  1 09:00:00 2026\n"
    file = tmp_path / "box.mbox"
    file.write_bytes(b"\n".join((separator + mail(1), separator + mail(2))).replace(b"\n", b"\r\n"))
    assert ids("mbox", file) == numbered(1, 2)


def test_what_is_no_mbox_travels_and_is_judged_later(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    file.write_bytes(b"\x00\xff not an mbox\n")
    (item,) = items_of("mbox", path=str(file))
    assert item.event.data == b"\x00\xff not an mbox\n"


def test_mail_delivered_to_an_mbox_since_is_the_only_one_read(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    mbox_of(file, mail(1), mail(2))
    first = items_of("mbox", path=str(file))
    mbox_of(file, mail(3))
    assert ids("mbox", file, first[-1].position) == numbered(3)
    assert ids("mbox", file, first[0].position) == numbered(2, 3)


def test_mails_of_a_maildir_and_its_folders_are_read_and_nothing_is_touched(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box", create=True)
    for n in range(3):
        box.add(mail(n))
        await_tick()
    box.add_folder("Archive").add(mail(3))
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    assert ids("maildir", tmp_path / "box") == numbered(0, 1, 2, 3)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before


def test_mail_that_a_reader_marks_and_moves_is_not_read_again(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box", create=True)
    key = box.add(mail(1))
    position = items_of("maildir", path=str(tmp_path / "box"))[-1].position
    message = box.get_message(key)
    message.set_subdir("cur")
    message.set_flags("S")
    await_tick()
    box[key] = message
    assert ids("maildir", tmp_path / "box", position) == []


def test_mail_moved_in_with_an_old_name_and_date_is_read(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box", create=True)
    box.add(mail(1))
    position = items_of("maildir", path=str(tmp_path / "box"))[-1].position
    old = tmp_path / "1000000000.M1P1.host:2,S"
    old.write_bytes(mail(2))
    os.utime(old, (1e9, 1e9))
    await_tick()
    old.rename(tmp_path / "box" / "cur" / old.name)
    assert ids("maildir", tmp_path / "box", position) == numbered(2)


def test_folder_that_is_no_maildir_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no Maildir"):
        items_of("maildir", path=str(tmp_path))


def test_new_mail_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "m.eml").write_bytes(mail(1))
    position = items_of("email", path=str(tmp_path))[-1].position
    await_tick()
    for n, name in ((2, "a.eml"), (3, "z.EML")):
        (tmp_path / name).write_bytes(mail(n))
    assert sorted(ids("email", tmp_path, position)) == numbered(2, 3)


def test_stopping_after_any_file_skips_and_repeats_nothing(tmp_path: Path) -> None:
    for n in range(12):
        (tmp_path / f"{n * 7 % 12:02}.eml").write_bytes(mail(n))
    whole = items_of("email", path=str(tmp_path))
    for count, item in enumerate(whole, start=1):
        rest = items_of("email", path=str(tmp_path), position=item.position)
        assert [i.event.id for i in rest] == [i.event.id for i in whole[count:]]


def test_mail_file_that_is_still_written_waits_until_it_is_whole(tmp_path: Path) -> None:
    stop, log = threading.Event(), FakeLog()
    (tmp_path / "0.eml").write_bytes(mail(0))

    def write() -> None:
        with (tmp_path / "1.eml").open("wb", buffering=0) as file:
            for byte in mail(1):
                file.write(bytes([byte]))
                stop.wait(0.002)

    writer = threading.Thread(target=write)

    def progress(acknowledged: int) -> None:
        if acknowledged == 1:
            writer.start()
        if acknowledged == 2:
            stop.set()

    source = source_of("email", tmp_path, path=".", poll_s=0.05)
    run_source(
        source, log.connect, Memory(), pace=Pace(is_following=True), stop=stop, progress=progress
    )
    writer.join()
    assert log.data == [mail(0), mail(1)]


def test_sampled_mail_shows_what_is_carried_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"Subject: Hi\nDate: soon\n\nHello")
    (item,) = items_of("email", path=str(tmp_path), is_sampling=True)
    rows = {f.canonical or f"({f.source})": f for f in item.fields}
    assert rows["sender"].problem == "no From"
    assert rows["sent_at"].value == "soon"
    assert rows["text"].value == b"Hello"
    assert rows["(Subject)"].value == "Hi"
