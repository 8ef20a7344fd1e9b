from deskwheel.state import State


def test_the_timeline_is_newest_first_and_can_be_followed(state: State) -> None:
    for number in range(3):
        state.record("support", "trigger", f"v{number}", {"fired": number == 2})
    state.record("other", "trigger", "v9", {})
    entries = state.timeline("support")
    assert [e["subject"] for e in entries] == ["v2", "v1", "v0"]
    assert entries[0]["detail"] == {"fired": True}
    assert [e["subject"] for e in state.timeline("support", after=entries[1]["id"])] == ["v2"]
    assert state.timeline("support", kind="frozen") == []
