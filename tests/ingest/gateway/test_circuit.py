from ingest.gateway.circuit import Circuit


def circuit(silence_s: float = 1.5) -> tuple[Circuit, list[float]]:
    clock = [0.0]
    return Circuit(silence_s, lambda: clock[0]), clock


def test_nobody_is_let_through_before_a_connection() -> None:
    made, _ = circuit()
    assert not made.admit()
    made.acknowledge()
    assert made.admit()


def test_one_late_event_among_others_does_not_open_it() -> None:
    made, clock = circuit()
    made.acknowledge()
    clock[0] = 1.4
    made.miss()
    assert made.state == "answering"


def test_silence_opens_it() -> None:
    made, clock = circuit()
    made.acknowledge()
    clock[0] = 1.5
    made.miss()
    assert (made.state, made.admit()) == ("away", False)


def test_a_broker_that_is_back_gets_one_probe_at_a_time() -> None:
    made, _ = circuit()
    made.fail()
    made.reach()
    assert [made.admit() for _ in range(3)] == [True, False, False]
    made.acknowledge()
    assert [made.admit() for _ in range(3)] == [True, True, True]


def test_a_probe_that_is_not_acknowledged_opens_it_again() -> None:
    made, _ = circuit()
    made.acknowledge()
    made.fail()
    made.reach()
    assert made.admit()
    made.miss()
    assert made.state == "away"
    made.reach()
    assert made.admit()


def test_an_acknowledgement_of_an_old_event_closes_it() -> None:
    made, _ = circuit()
    made.fail()
    made.acknowledge()
    assert made.state == "answering"
