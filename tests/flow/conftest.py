"""One playing of the whole loop, shared by every test of the sentence."""

from collections.abc import Iterator

import pytest

from deskwheel.errors import SetupError
from deskwheel.jars import jar_dir
from tests.flow import loop as played
from tests.flow.reference import Reference, reference
from transforms.stream import read_secret
from transforms.turns import Rules


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[played.Loop]:
    """The loop after all of it has happened; its processes still run."""
    try:
        jar_dir("kafka")
        jar_dir("spark")
    except SetupError as error:
        pytest.skip(str(error))
    loop = played.start(tmp_path_factory.mktemp("loop"))
    try:
        played.play_with_kill(loop)
        played.settle(loop, len(expected_of(loop).conversations))
        played.train_and_serve(loop)
        yield loop
    finally:
        loop.stack.stop()


@pytest.fixture(scope="session")
def expected(loop: played.Loop) -> Reference:
    """What the loop should have made of its traffic, computed without Kafka, Spark and state."""
    return expected_of(loop)


def expected_of(loop: played.Loop) -> Reference:
    """The reference for a loop's traffic under its own rules."""
    return reference(loop.events, Rules.of(loop.settings, read_secret(loop.settings)))
