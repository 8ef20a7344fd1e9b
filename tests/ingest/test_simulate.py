import email
import json
from collections import Counter
from datetime import timedelta

import pytest

from deskwheel.reasons import MEANING
from deskwheel.records import Event
from ingest.envelope import headers_of
from ingest.simulate import Simulation, simulate, span
from ingest.simulate.poison import HUGE_CHARS, POISON
from tests.ingest.conftest import NOON


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(1, 400, start=NOON)


def real(simulation: Simulation) -> list[Event]:
    return [e for e in simulation.events if e.id not in simulation.poison_reasons]


def test_same_seed_gives_byte_identical_events() -> None:
    assert simulate(7, 60, start=NOON) == simulate(7, 60, start=NOON)


def test_other_seed_shares_no_event(simulation: Simulation) -> None:
    other = simulate(2, 60, start=NOON)
    shared = {e.id for e in real(simulation)} & {e.id for e in real(other)}
    assert not shared


def test_other_start_moves_times_and_keeps_ids() -> None:
    one, other = simulate(3, 20, start=NOON), simulate(3, 20, start=NOON + timedelta(hours=1))
    assert [e.id for e in real(one)] == [e.id for e in real(other)]
    assert {b.time - a.time for a, b in zip(real(one), real(other), strict=True)} == {
        timedelta(hours=1)
    }


def test_events_are_those_the_ledger_counts(simulation: Simulation) -> None:
    ledger = simulation.ledger
    parts = (ledger.by_channel, ledger.noise, ledger.duplicates, ledger.poison)
    assert len(simulation.events) == ledger.events == sum(sum(p.values()) for p in parts)
    assert ledger.conversations == len(simulation.dialogues) == 400


def test_ids_repeat_exactly_as_often_as_the_ledger_says(simulation: Simulation) -> None:
    repeats = Counter(e.id for e in simulation.events)
    assert max(repeats.values()) == 2
    assert sum(n - 1 for n in repeats.values()) == sum(simulation.ledger.duplicates.values())


def test_late_events_arrive_after_younger_ones_of_their_conversation(
    simulation: Simulation,
) -> None:
    assert simulation.ledger.late > 10
    latest: dict[str, Event] = {}
    overtaken = 0
    for event in real(simulation):
        before = latest.get(event.key)
        overtaken += before is not None and before.time > event.time
        latest[event.key] = event if before is None or event.time > before.time else before
    assert overtaken > 10


def test_shares_are_what_the_brief_asks_for(simulation: Simulation) -> None:
    ledger = simulation.ledger
    told = sum(ledger.by_channel.values())
    assert 0.03 < sum(ledger.duplicates.values()) / told < 0.055
    assert 0.15 < 1 - ledger.resolved / ledger.conversations < 0.33
    assert 0.05 < ledger.flags["needless_apology"] / ledger.conversations < 0.12
    assert 0.15 < sum(ledger.pii.values()) / ledger.statements["customer"] < 0.28
    chats = sum(d.channel == "chat" for d in simulation.dialogues)
    assert 0.6 < ledger.closings / chats < 0.95
    assert ledger.flags["clarified"] > 60
    assert set(ledger.noise) == {"newsletter", "out_of_office", "bounce", "chat_spam"}


def test_four_hundred_conversations_span_two_hours_and_overlap(simulation: Simulation) -> None:
    times = [e.time for e in real(simulation)]
    assert timedelta(hours=1.8) < max(times) - min(times) < timedelta(hours=3)
    assert all(NOON <= t <= NOON + span(400) for t in times)
    switches = sum(
        a.key != b.key for a, b in zip(simulation.events, simulation.events[1:], strict=False)
    )
    assert switches > len(simulation.events) / 2


def test_every_event_says_that_it_is_synthetic(simulation: Simulation) -> None:
    assert {event.attributes["synthetic"] for event in simulation.events} == {"true"}


def test_weights_of_channels_are_kept() -> None:
    ledger = simulate(1, 60, start=NOON, messiness=0, channels={"email": 1.0}).ledger
    assert set(ledger.by_channel) == {"email"}


def test_every_event_can_travel_and_has_a_key(simulation: Simulation) -> None:
    for event in simulation.events:
        assert headers_of(event)
        assert event.key or event.id in simulation.poison_reasons


def test_a_thread_of_mails_has_one_key(simulation: Simulation) -> None:
    keys: dict[str, set[str]] = {}
    for event in real(simulation):
        if event.channel == "email":
            ticket = str(email.message_from_bytes(event.data)["X-Ticket-ID"])
            keys.setdefault(ticket, set()).add(event.key)
    keys.pop("None")
    one = sum(len(k) == 1 for k in keys.values())
    assert one / len(keys) > 0.9


def test_every_mail_parses_without_a_defect(simulation: Simulation) -> None:
    shapes = Counter[str]()
    for event in real(simulation):
        if event.channel == "email":
            mail = email.message_from_bytes(event.data)
            assert not mail.defects
            for part in mail.walk():
                assert not part.defects
                shapes[f"{part.get_content_type()} {part['Content-Transfer-Encoding']}"] += 1
                if not part.is_multipart():
                    payload = part.get_payload(decode=True)
                    assert isinstance(payload, bytes)
                    assert payload.decode(part.get_content_charset() or "ascii")
    assert len(shapes) == 7


def test_what_the_agent_wrote_stands_in_the_mail(simulation: Simulation) -> None:
    texts = []
    for event in real(simulation):
        if event.channel == "email":
            for part in email.message_from_bytes(event.data).walk():
                payload = part.get_payload(decode=True)
                if isinstance(payload, bytes) and part.get_content_subtype() == "plain":
                    texts.append(payload.decode(part.get_content_charset() or "ascii"))
    mails = "\n".join(texts).replace("\r\n", "\n")
    answers = [
        line.text
        for d in simulation.dialogues
        for line in d.lines
        if d.channel == "email" and line.role == "agent"
    ]
    assert sum(a in mails for a in answers) / len(answers) > 0.75


def test_webvtt_calls_carry_their_fields_in_the_headers(simulation: Simulation) -> None:
    calls = [e for e in real(simulation) if e.channel == "call"]
    vtt = [e for e in calls if e.content_type == "text/vtt"]
    assert 0 < len(vtt) < len(calls) / 2
    for event in vtt:
        assert event.data.startswith(b"WEBVTT\n\nNOTE call_id=")
        assert set(event.attributes) >= {"call_id", "customer_id", "started_at", "disposition"}


def test_segments_of_a_call_run_forward(simulation: Simulation) -> None:
    for event in real(simulation):
        if event.channel == "call" and event.content_type == "application/json":
            times = [
                t for s in json.loads(event.data)["segments"] for t in (s["start_s"], s["end_s"])
            ]
            assert times == sorted(times)


def test_personal_data_is_of_numbers_nobody_has(simulation: Simulation) -> None:
    lines = [line for d in simulation.dialogues for line in d.lines]
    assert {"PHONE", "CARD", "SSN", "EMAIL", "PERSON", "ADDRESS", "DOB"} <= set(
        simulation.ledger.pii
    )
    assert all("555" in line.text for line in lines if "PHONE" in line.pii)
    assert all("example." in line.text for line in lines if "EMAIL" in line.pii)
    cards = ["".join(filter(str.isdigit, x.text)) for x in lines if x.pii == ("CARD",)]
    assert cards
    assert all(passes_luhn(c[-16:]) or passes_luhn(c[-15:]) for c in cards)


def passes_luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def test_one_poison_event_of_each_kind_with_a_known_reason(simulation: Simulation) -> None:
    assert simulation.ledger.poison == dict.fromkeys(POISON, 1)
    assert sorted(simulation.poison_reasons.values()) == sorted(POISON.values())
    assert set(POISON.values()) <= set(MEANING)


def test_poison_belongs_to_no_conversation(simulation: Simulation) -> None:
    keys = {e.key for e in simulation.events if e.id in simulation.poison_reasons} - {""}
    assert not keys & {e.key for e in real(simulation)}


def test_huge_event_is_ten_megabytes(simulation: Simulation) -> None:
    assert max(len(e.data) for e in simulation.events) > HUGE_CHARS


def test_clean_traffic_has_no_poison_no_noise_and_no_duplicates() -> None:
    ledger = simulate(1, 50, start=NOON, messiness=0).ledger
    assert not ledger.poison
    assert not ledger.noise
    assert not ledger.duplicates
    assert ledger.late == 0


def test_messier_traffic_repeats_more() -> None:
    usual, messy = (simulate(4, 200, start=NOON, messiness=m).ledger for m in (0.5, 2.0))
    assert sum(messy.duplicates.values()) > 2 * sum(usual.duplicates.values())


def test_nothing_told_is_nothing_but_poison() -> None:
    simulation = simulate(1, 0, start=NOON)
    assert simulation.ledger.events == len(POISON)


def test_resolved_conversation_holds_its_ideal_answer(simulation: Simulation) -> None:
    for dialogue in simulation.dialogues:
        if dialogue.is_resolved:
            said = "\n".join(line.text for line in dialogue.lines if line.role == "agent")
            assert all(issue.answer in said for issue in dialogue.issues)


def test_status_is_sometimes_wrong_and_sometimes_missing(simulation: Simulation) -> None:
    unresolved = [d for d in simulation.dialogues if not d.is_resolved]
    assert any(d.status == "solved" for d in unresolved)
    assert any(d.status is None for d in unresolved)
    silent = [d for d in simulation.dialogues if d.outcome == "solved_silent"]
    assert all(d.status == "solved" for d in silent)
