import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deskwheel.errors import ConfigError, ServiceError, SetupError
from ingest.run import Pace, run_source
from ingest.sources.imap import _windows
from ingest.sources.imap_session import Account, Session, folder_name
from ingest.sources.model import Item
from tests.ingest.imap_server import PASSWORD, TOKEN, FakeFolder, FakeImap, fake_imap
from tests.ingest.sourcing import FakeLog, Memory, items_of, source_of


def mail(number: int, size: int = 200) -> bytes:
    head = f"From: a@example.com\r\nMessage-ID: <m{number}@example.com>\r\n\r\n".encode()
    return head + b"x" * size + b"\r\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeImap]:
    monkeypatch.setenv("TOY_PASSWORD", PASSWORD)
    monkeypatch.setenv("TOY_TOKEN", TOKEN)
    monkeypatch.setenv("TOY_WRONG", "wrong-secret")
    with fake_imap() as fake:
        yield fake


def options(server: FakeImap, **changes: Any) -> dict[str, Any]:
    known = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": "desk",
        "security": "none",
        "password": "env:TOY_PASSWORD",
        "timeout_s": 5.0,
        "poll_s": 0.05,
    }
    return {**known, **changes}


def account(server: FakeImap) -> Account:
    return Account(
        host="127.0.0.1", port=server.port, user="desk", password="env:TOY_PASSWORD", token="",
        security="none", tls_ca_file="", timeout_s=5.0,
    )  # fmt: skip


def ids(items: list[Item]) -> list[str]:
    return [i.event.id for i in items]


def test_mails_of_a_folder_are_read_in_the_order_of_their_uids(server: FakeImap) -> None:
    for n in range(3):
        server.inbox.add(mail(n))
    items = items_of("imap", **options(server))
    assert ids(items) == [f"<m{n}@example.com>" for n in range(3)]
    assert [i.event.data for i in items] == [mail(n) for n in range(3)]
    assert items[1].origin == "INBOX uid 2"


def test_nothing_is_marked_as_read(server: FakeImap) -> None:
    server.inbox.add(mail(1))
    items_of("imap", **options(server))
    told = " ".join(server.commands)
    assert "EXAMINE" in told
    assert "BODY.PEEK[]" in told
    assert not {"SELECT", "STORE", "EXPUNGE"} & {c.split(" ")[0] for c in server.commands}


def test_a_restart_goes_on_behind_the_last_uid(server: FakeImap) -> None:
    for n in range(4):
        server.inbox.add(mail(n))
    position = items_of("imap", **options(server))[1].position
    assert ids(items_of("imap", position=position, **options(server))) == [
        "<m2@example.com>",
        "<m3@example.com>",
    ]


def test_a_restart_with_nothing_new_reads_nothing(server: FakeImap) -> None:
    server.inbox.add(mail(1))
    position = items_of("imap", **options(server))[-1].position
    assert items_of("imap", position=position, **options(server)) == []


def test_a_renumbered_folder_is_read_again(server: FakeImap) -> None:
    for n in range(3):
        server.inbox.add(mail(n))
    position = items_of("imap", **options(server))[-1].position
    server.inbox.renumber()
    assert len(items_of("imap", position=position, **options(server))) == 3


def test_mails_of_a_large_gap_are_found_and_lines_stay_short(server: FakeImap) -> None:
    server.inbox.add(mail(1))
    server.inbox.next_uid = 3_000_000
    server.inbox.add(mail(2))
    assert len(items_of("imap", **options(server))) == 2
    assert len([c for c in server.commands if c.startswith("UID SEARCH")]) < 80


def test_a_gap_before_a_folder_full_of_mails_makes_no_line_too_long(server: FakeImap) -> None:
    # Behind so many empty UIDs a window that only doubles would hold them all.
    server.inbox.next_uid = 1_023_001
    for _ in range(120_000):
        server.inbox.add(b"", arrived=date(2026, 1, 1))
    # Every other one is deleted, so that neighbours do not join into ranges.
    server.inbox.mails = {u: m for u, m in server.inbox.mails.items() if u % 2}
    with Session.opened(account(server)) as session:
        folder = session.open_folder("INBOX")
        windows = list(_windows(session, folder, 0, None))
    assert sum(map(len, windows)) == 60_000
    assert max(map(len, windows)) <= 1000


def test_many_mails_are_fetched_in_chunks(server: FakeImap) -> None:
    for n in range(120):
        server.inbox.add(mail(n))
    assert len(items_of("imap", **options(server))) == 120
    bodies = [c for c in server.commands if "BODY.PEEK" in c]
    assert len(bodies) == 3
    assert max(map(len, server.commands)) < 200


def test_folders_are_read_one_after_another_each_with_its_own_uids(server: FakeImap) -> None:
    server.folders["Support & Co"] = FakeFolder(validity=9)
    server.folders["Support &- Co"] = server.folders.pop("Support & Co")
    server.inbox.add(mail(1))
    server.folders["Support &- Co"].add(mail(2))
    given = options(server, folders=("INBOX", "Support & Co"))
    items = items_of("imap", **given)
    assert [i.origin for i in items] == ["INBOX uid 1", "Support & Co uid 1"]
    server.inbox.add(mail(3))
    assert ids(items_of("imap", position=items[-1].position, **given)) == ["<m3@example.com>"]


def test_only_mails_since_a_day_are_read(server: FakeImap) -> None:
    server.inbox.add(mail(1), arrived=date(2026, 3, 31))
    server.inbox.add(mail(2), arrived=date(2026, 4, 1))
    assert ids(items_of("imap", **options(server, since="2026-04-01"))) == ["<m2@example.com>"]


def test_token_logs_in(server: FakeImap) -> None:
    server.inbox.add(mail(1))
    assert items_of("imap", **options(server, password="", token="env:TOY_TOKEN"))


@pytest.mark.parametrize(
    "how", [{"password": "env:TOY_WRONG"}, {"password": "", "token": "env:TOY_WRONG"}]
)
def test_refused_login_says_so_and_never_shows_the_secret(
    server: FakeImap, how: dict[str, str]
) -> None:
    with pytest.raises(SetupError, match="was refused") as found:
        items_of("imap", **options(server, **how))
    assert "wrong-secret" not in str(found.value)


def test_login_that_is_refused_for_now_may_be_tried_again(server: FakeImap) -> None:
    with pytest.raises(ServiceError, match="at the moment"):
        items_of("imap", **options(server, user="busy"))


def test_user_and_password_of_any_script_log_in(
    server: FakeImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.inbox.add(mail(1))
    monkeypatch.setenv("TOY_PASSWORD", f"{PASSWORD}-ü")
    assert items_of("imap", **options(server, user="büro"))
    monkeypatch.setenv("TOY_PASSWORD", PASSWORD)
    assert items_of("imap", **options(server, user='of "us" all'))


def test_secret_with_a_line_break_is_never_sent(
    server: FakeImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_PASSWORD", f"{PASSWORD}\r\nx DELETE INBOX")
    with pytest.raises(ConfigError, match="holds a line break"):
        items_of("imap", **options(server))
    assert server.connections == 0


@pytest.mark.parametrize("how", [{"password": ""}, {"token": "env:TOY_TOKEN"}])
def test_password_or_token_is_wanted_not_both(server: FakeImap, how: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="either a password or a token"):
        items_of("imap", **options(server, **how))


def test_folder_that_does_not_exist_is_named(server: FakeImap) -> None:
    with pytest.raises(SetupError, match="'Nowhere'"):
        items_of("imap", **options(server, folders=("Nowhere",)))


def test_password_never_leaves_this_machine_unencrypted(server: FakeImap) -> None:
    with pytest.raises(ConfigError, match="in the open"):
        items_of("imap", **options(server, host="mail.example.com"))


def test_server_that_is_not_there_may_come_back(server: FakeImap) -> None:
    with pytest.raises(ServiceError, match="does not answer"):
        items_of("imap", **options(server, port=1))


def test_lost_connection_is_made_again_and_nothing_is_skipped(
    server: FakeImap, tmp_path: Path
) -> None:
    for n in range(130):
        server.inbox.add(mail(n))
    server.cut_after_mails = [60, 3]
    log, kept = FakeLog(), Memory()
    ran = run_source(
        source_of("imap", tmp_path, **options(server)),
        log.connect,
        kept,
        pace=Pace(pauses_s=(0.01,) * 3),
    )
    assert (ran.failure, ran.interruptions, ran.acknowledged) == (None, 2, 130)
    assert log.data == [mail(n) for n in range(130)]


@pytest.mark.parametrize("asked", ["RFC822.SIZE", "BODY"])
def test_mail_that_an_answer_leaves_out_is_fetched_again_before_later_ones(
    server: FakeImap, tmp_path: Path, asked: str
) -> None:
    for n in range(4):
        server.inbox.add(mail(n))
    server.withheld = [(asked, 2)]
    with pytest.raises(ServiceError, match="left out 1 mails that are there, the first with UID 2"):
        items_of("imap", **options(server))
    server.withheld = [(asked, 3)]
    log = FakeLog()
    source = source_of("imap", tmp_path, **options(server))
    pace = Pace(is_following=True, pauses_s=(0.01,) * 3)
    stop = threading.Event()

    def progress(acknowledged: int) -> None:
        if acknowledged == len(server.inbox.mails):
            stop.set()

    ran = run_source(source, log.connect, Memory(), pace=pace, stop=stop, progress=progress)
    assert (ran.failure, ran.interruptions) == (None, 1)
    assert log.data == [mail(n) for n in range(4)]


def test_mail_that_is_gone_before_it_is_fetched_is_passed_with_a_warning(
    server: FakeImap, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(3):
        server.inbox.add(mail(n))
    server.expunged = {2}
    assert [i.event.data for i in items_of("imap", **options(server))] == [mail(0), mail(2)]
    assert "1 mails were gone" in caplog.text


@pytest.mark.parametrize("can_idle", [True, False])
def test_mail_that_arrives_while_following_is_read(
    can_idle: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_PASSWORD", PASSWORD)
    stop, log = threading.Event(), FakeLog()
    with fake_imap(can_idle=can_idle) as server:
        server.inbox.add(mail(0))
        source = source_of("imap", tmp_path, **options(server, poll_s=600.0 if can_idle else 0.05))

        def progress(acknowledged: int) -> None:
            if acknowledged < 4:
                threading.Timer(0.2, server.deliver, (mail(acknowledged),)).start()
            else:
                stop.set()

        ran = run_source(
            source,
            log.connect,
            Memory(),
            pace=Pace(is_following=True),
            stop=stop,
            progress=progress,
        )
    assert log.data == [mail(n) for n in range(4)]
    assert ran.failure is None


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("INBOX", '"INBOX"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ("a & b", '"a &- b"'),
        ('with "quotes"', '"with \\"quotes\\""'),
        ("台北", '"&U,BTFw-"'),
    ],
)
def test_folder_names_travel_in_modified_utf7(name: str, sent: str) -> None:
    assert folder_name(name) == sent


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for 127.0.0.1, and that as a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "toy")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1)).add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_connection_is_followed_and_a_stranger_refused(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_PASSWORD", PASSWORD)
    context, authority = certificate(tmp_path)
    with fake_imap(tls=context, is_starttls=security == "starttls") as server:
        server.inbox.add(mail(1))
        given = options(server, security=security)
        with pytest.raises(SetupError, match="certificate is not trusted"):
            items_of("imap", **given)
        assert not {"LOGIN", "AUTHENTICATE"} & {c.split(" ")[0] for c in server.commands}
        trusted = source_of("imap", tmp_path, **given, tls_ca_file=str(authority))
        log, stop = FakeLog(), threading.Event()

        def progress(acknowledged: int) -> None:
            if acknowledged == 1:
                threading.Timer(0.1, server.deliver, (mail(2),)).start()
            else:
                stop.set()

        pace = Pace(is_following=True)
        run_source(trusted, log.connect, Memory(), pace=pace, stop=stop, progress=progress)
    assert log.data == [mail(1), mail(2)]
