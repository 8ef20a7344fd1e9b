"""What every folder of tests shares: one Spark session and one broker a run, started when asked.

Engines are imported inside the fixtures: a run of unit tests pays for none of them.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from deskwheel.errors import SetupError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.settings import KafkaSettings, Settings
from deskwheel.topics import TOPICS
from tests.places import settings_in
from tests.postgres import empty_schema, postgres_server, why_missing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# The machine may be busy: a slow first call is no bug of the code under test.
hypothesis.settings.register_profile("deskwheel", deadline=None, max_examples=60)
hypothesis.settings.load_profile("deskwheel")

ENGINES = frozenset({"spark", "broker"})
BROKER_START_S = 90.0
BROKER_STOP_S = 20.0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Spark or the broker, so that no test can forget to say so."""
    for item in items:
        if ENGINES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Default settings whose every path lies under the test's own folder."""
    return settings_in(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of the one PostgreSQL server of the run; skips where there is none to start."""
    if why := why_missing():
        pytest.skip(why)
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty state database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return empty_schema(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def secret() -> bytes:
    """The toy key under which customers' ids are hashed."""
    return bytes(range(32)).hex().encode()


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """The one Spark session of the run; skips where Java or the jars are missing."""
    from transforms.session import spark_session  # noqa: PLC0415

    try:
        session = spark_session("tests", driver_memory="1g")
    except SetupError as error:
        pytest.skip(str(error))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the one real broker of the run, with every topic; skips without the jars.

    Topics are shared by all tests: ask for `empty_topics` where it matters what is in them.
    """
    from ingest import topics  # noqa: PLC0415
    from ingest.offsets import broker_ready  # noqa: PLC0415

    try:
        find_java()
        jar_dir("kafka")
    except SetupError as error:
        pytest.skip(str(error))
    home = tmp_path_factory.mktemp("broker")
    port, controller_port = free_ports(2)
    bootstrap = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "deskwheel.broker", "--home", str(home)]
    command += ["--port", str(port), "--controller-port", str(controller_port)]
    log = home / "broker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        if not broker_ready(bootstrap, BROKER_START_S):
            pytest.fail(f"the broker did not start: {log.read_text()[-2000:]}")
        topics.apply(KafkaSettings(bootstrap=bootstrap))
        yield bootstrap
    finally:
        _end(process)


@pytest.fixture(scope="module")
def empty_topics(broker: str) -> str:
    """The broker's address, after every record of earlier modules is gone from its topics.

    Offsets go on from where they were: a topic's first offset is then above 0.
    """
    from kafka import TopicPartition  # noqa: PLC0415

    from ingest.brokers import administration  # noqa: PLC0415
    from ingest.offsets import offsets  # noqa: PLC0415

    kafka = KafkaSettings(bootstrap=broker)
    ends = {
        TopicPartition(topic, partition): end
        for topic, partitions in offsets(kafka).items()
        for partition, (begin, end) in partitions.items()
        if end > begin
    }
    if ends:
        with administration(kafka) as admin:
            admin.delete_records(ends)
    assert set(offsets(kafka)) == {t.name for t in TOPICS}
    return broker


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(BROKER_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(BROKER_STOP_S)
