import pytest

from deskwheel.errors import PublishError
from deskwheel.settings import KafkaSettings
from ingest.offsets import broker_ready
from ingest.publish import Publisher

NOBODY = "127.0.0.1:1"
"""Port 1 is reserved and nothing listens on it."""


def test_publisher_without_a_broker_names_the_address() -> None:
    settings = KafkaSettings(bootstrap=NOBODY, delivery_timeout_s=1)
    with pytest.raises(PublishError, match=rf"{NOBODY}.*is the broker running") as caught:
        Publisher(settings)
    assert caught.value.retriable


def test_broker_that_does_not_answer_is_not_ready() -> None:
    assert not broker_ready(NOBODY, 0.5)
