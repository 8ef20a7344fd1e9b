from pathlib import Path

from deskwheel.state import State
from tests.train.rows import settings_in
from train.judging.champion import champion_folder


def test_the_one_who_answers_customers_is_the_one_to_beat(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    state = State(settings.pipeline.state_url)
    assert champion_folder(settings, state) is None
    state.put("variant", "support-v1", {"adapter_uri": "file:///models/support%20v1"})
    state.put("variant", "prompt-bot", {"adapter_uri": None})
    state.put("split", "support", {"champion": "prompt-bot", "challenger": "support-v1"})
    assert champion_folder(settings, state) is None
    state.put("split", "support", {"champion": "support-v1", "challenger": None})
    assert champion_folder(settings, state) == Path("/models/support v1")
