from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.settings import Settings, TriggerSettings
from deskwheel.state import State
from tests.train.rows import settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    trigger = TriggerSettings(min_fresh_examples=4, max_category_share=0.5, cool_down_s=3600)
    return replace(settings_in(tmp_path), trigger=trigger)


@pytest.fixture
def state(settings: Settings) -> State:
    return State(settings.pipeline.state_url)
