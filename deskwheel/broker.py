"""The embedded Kafka broker: one node of KRaft on 127.0.0.1, without ZooKeeper and without scripts.

`python -m deskwheel.broker --home HOME --port N --controller-port M` formats the storage the first
time and then becomes the Java process, so that the supervisor's pid is the broker's.
Source: KIP-500 (KRaft), KIP-853 (`--standalone`).
"""

import argparse
import base64
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from deskwheel.errors import DeskwheelError, SetupError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.topics import DEAD_LETTER_BYTES

MESSAGE_MAX_BYTES = DEAD_LETTER_BYTES + 1024 * 1024
"""One MiB above the largest limit of a topic, which counts the record batch with its headers."""

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
log.dirs={data}
num.partitions=3
default.replication.factor=1
auto.create.topics.enable=false
message.max.bytes={message_max_bytes}
replica.fetch.max.bytes={message_max_bytes}
log.message.timestamp.type=LogAppendTime
log.retention.hours=168
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.dedupe.buffer.size=2097152
"""

_JVM_FLAGS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    # The second compiler would cost more on two cores than a broker this small wins by it.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


def properties(
    data: Path, *, port: int, controller_port: int, further: Mapping[str, str] | None = None
) -> str:
    """The broker's configuration, bound to 127.0.0.1, as the text of `server.properties`.

    Of a property that stands there twice Kafka takes the last, so `further` ones prevail.
    """
    text = _PROPERTIES.format(
        data=data,
        port=port,
        controller_port=controller_port,
        message_max_bytes=MESSAGE_MAX_BYTES,
    )
    return text + "".join(f"{name}={value}\n" for name, value in (further or {}).items())


def command(java: Path, jars: Path, main_class: str, *arguments: str) -> list[str]:
    """The command line of one of Kafka's Java programs."""
    return [str(java), *_JVM_FLAGS, "-cp", f"{jars}/*", main_class, *arguments]


def is_formatted(data: Path) -> bool:
    """Whether a storage folder belongs to a cluster already."""
    return (data / "meta.properties").is_file()


def prepare(
    folder: Path,
    *,
    port: int,
    controller_port: int,
    further: Mapping[str, str] | None = None,
    users: Sequence[str] = (),
) -> list[str]:
    """The command that runs the broker, after its configuration and storage are in place.

    Formats the storage the first time only; an interrupted format is repeated.

    Args:
        folder: of configuration and data.
        port: of the clients.
        controller_port: of the quorum.
        further: properties beside ours or instead of them, as another listener needs.
        users: SCRAM credentials that the storage is formatted with, as
            `SCRAM-SHA-512=[name=NAME,password=PASSWORD]`.

    Raises:
        SetupError: Java or the jars are missing, or the storage cannot be formatted.
    """
    java, jars, data = find_java(), jar_dir("kafka"), folder / "data"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "server.properties"
    text = properties(data, port=port, controller_port=controller_port, further=further)
    config.write_text(text, "utf-8")
    if not is_formatted(data):
        _format(command(java, jars, "kafka.tools.StorageTool", "format"), config, users)
    return command(java, jars, "kafka.Kafka", str(config))


def _format(program: Sequence[str], config: Path, users: Sequence[str]) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    # An id that starts with a dash would be read as an option.
    arguments = ["--standalone", f"--cluster-id={cluster}", "--config", str(config)]
    for user in users:
        arguments += ["--add-scram", user]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(
            f"the broker's storage could not be formatted ({config}): "
            f"{(done.stderr or done.stdout).strip()[-500:]}; remove {config.parent} to begin anew"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Become the broker; return only when it cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m deskwheel.broker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of configuration and data")
    parser.add_argument("--port", type=int, required=True, help="port of the clients")
    parser.add_argument("--controller-port", type=int, required=True, help="port of the quorum")
    chosen = parser.parse_args(argv)
    try:
        program = prepare(
            chosen.home.resolve(), port=chosen.port, controller_port=chosen.controller_port
        )
        os.execv(program[0], program)  # noqa: S606 - no shell between
    except (DeskwheelError, OSError) as error:
        print(f"broker: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
