"""The embedded stack: every process of deskwheel on one machine, under one state folder.

`Stack` runs it inside the calling process (demo, tests); `python -m deskwheel.stack` runs it on
its own (`deskwheel up`). Reads and writes no table or topic; the processes it starts do.
"""

import argparse
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from deskwheel import config
from deskwheel.child import RestartPolicy, ServiceStatus
from deskwheel.errors import DeskwheelError, SetupError
from deskwheel.process import write_whole
from deskwheel.service import stop_event
from deskwheel.services import Place, choose_ports, ray_folder, services, with_dependencies
from deskwheel.settings import Settings
from deskwheel.supervise import Supervisor, end_leftovers, hold, read_stack

SECRETS = ("subject_key", "api_token", "ray_token")
_CONFIG = "deskwheel.toml"
_PORTS = "ports.json"
_DEFAULT_HOME = ".deskwheel"


class Stack:
    """The embedded stack of one state folder."""

    def __init__(self, home: Path, settings: Settings | None = None) -> None:
        """Describe a stack; nothing is written or started before `start`.

        Args:
            home: state folder, `.deskwheel` by custom.
            settings: the user's own; addresses and default paths in them are replaced. None
                takes those of the last start, or the defaults.
        """
        self.home = home.resolve()
        self._wished = settings
        self._place: Place | None = None
        self._supervisor: Supervisor | None = None

    @property
    def settings(self) -> Settings:
        """The resolved settings, as every process of the stack reads them."""
        return self._known_place().settings

    @property
    def config(self) -> Path:
        """The file with the resolved settings."""
        return self.home / _CONFIG

    def start(
        self,
        only: Iterable[str] | None = None,
        on_change: Callable[[ServiceStatus], None] | None = None,
        *,
        without: Iterable[str] = (),
        policy: RestartPolicy | None = None,
    ) -> None:
        """Start the named services and those they wait for, and return at once.

        A second call adds services to the running stack.

        Args:
            only: names of services; None means all.
            on_change: called from another thread with every new status.
            without: names of services that are not brought though others wait for them.
            policy: how services are restarted.

        Raises:
            ServiceError: the state folder is in use by another stack.
            SetupError: a service is unknown, or the folder, a port or a program is not usable.
        """
        if self._supervisor is None:
            self._prepare()
        chosen = with_dependencies(only, services(self._known_place()), without=without)
        if self._supervisor is not None:
            self._supervisor.add(chosen)
            return
        supervisor = Supervisor(self.home, policy=policy, on_change=on_change)
        supervisor.start(chosen)
        self._supervisor = supervisor

    def wait_ready(self, names: Iterable[str] | None = None, timeout_s: float = 300.0) -> None:
        """Return when the named services (all that were started if None) are ready.

        Raises:
            ServiceError: one failed or is late; its message ends with the end of its log.
        """
        supervisor = self._running()
        wanted = [s.name for s in supervisor.statuses()] if names is None else list(names)
        supervisor.wait_ready(wanted, timeout_s)

    def stop(self) -> None:
        """End every process of the stack; idempotent."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
            remove_outside(self.home)

    def status(self) -> list[ServiceStatus]:
        """What is known of each service, also when another process supervises them."""
        if self._supervisor is not None:
            return self._supervisor.statuses()
        return read_stack(self.home)[1]

    def pid(self, name: str) -> int | None:
        """Process of a service while it runs."""
        return next((s.pid for s in self.status() if s.name == name), None)

    def addresses(self) -> dict[str, str]:
        """Where each service that was started answers."""
        return addresses_of(self.status())

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise SetupError(f"the stack of {self.home} was not started here; call start() first")
        return self._supervisor

    def _known_place(self) -> Place:
        if self._place is None:
            recorded = read_ports(self.home)
            self._place = Place(self.home, recorded, config.load(self.config))
        return self._place

    def _prepare(self) -> None:
        make_home(self.home)
        with hold(self.home):
            # Or else they would still hold the recorded ports.
            end_leftovers(self.home)
            ports = choose_ports(read_ports(self.home), self.home)
            settings = resolve(self._wished or self._last_settings(), self.home, ports)
            make_secrets(Path(settings.pipeline.secrets_dir))
            write_whole(self.home / _PORTS, json.dumps(ports, indent=1))
            write_whole(self.config, config.dump(settings))
            remove_ray_folder(self.home)
            folder = ray_folder(self.home)
            if not folder.is_relative_to(self.home):
                # Its name can be guessed: whoever made it first must be this user.
                make_private(folder.parent)
            make_private(folder)
        self._place = Place(self.home, ports, settings)

    def _last_settings(self) -> Settings:
        return config.load(self.config) if self.config.is_file() else Settings()


def resolve(settings: Settings, home: Path, ports: dict[str, int]) -> Settings:
    """The user's settings with this stack's addresses, and its folder where they name none.

    A path that the user has changed stays his; one that is still the default moves to `home`.
    """
    plain = Settings()
    pipeline, kept = settings.pipeline, plain.pipeline
    dashboard = f"http://127.0.0.1:{ports['ray_dashboard']}"
    return replace(
        settings,
        pipeline=replace(
            pipeline,
            lake=_moved(pipeline.lake, kept.lake, home),
            state_url=_moved(pipeline.state_url, kept.state_url, home),
            secrets_dir=_moved(pipeline.secrets_dir, kept.secrets_dir, home),
        ),
        kafka=replace(settings.kafka, bootstrap=f"127.0.0.1:{ports['kafka']}"),
        ingest=replace(
            settings.ingest,
            state_dir=_moved(settings.ingest.state_dir, plain.ingest.state_dir, home),
        ),
        transforms=replace(
            settings.transforms,
            checkpoint_dir=_moved(
                settings.transforms.checkpoint_dir, plain.transforms.checkpoint_dir, home
            ),
        ),
        train=replace(
            settings.train,
            runs_dir=_moved(settings.train.runs_dir, plain.train.runs_dir, home),
            mlflow_uri=_moved(settings.train.mlflow_uri, plain.train.mlflow_uri, home),
            ray_address=f"127.0.0.1:{ports['ray']}",
            ray_jobs_url=dashboard,
        ),
        gateway=replace(settings.gateway, host="127.0.0.1", port=ports["gateway"]),
        serve=replace(settings.serve, host="127.0.0.1", port=ports["serving"]),
    )


def wished_settings(home: Path, file: Path | None, overrides: Sequence[str]) -> Settings:
    """The user's settings: his file, else those of the last start; overrides apply on top.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """
    last = home / _CONFIG
    return config.load(file or (last if last.is_file() else None), overrides)


def addresses_of(statuses: Iterable[ServiceStatus]) -> dict[str, str]:
    """Service → address, for the services that have one."""
    found = {s.name: s.facts.get("url") or s.facts.get("bootstrap") for s in statuses}
    return {name: str(address) for name, address in found.items() if address}


def make_home(home: Path) -> None:
    """Create the state folder, readable by its owner only.

    Raises:
        SetupError: it cannot be created or belongs to another user.
    """
    make_private(home)
    for name in ("run", "logs"):
        (home / name).mkdir(exist_ok=True)


def make_private(folder: Path) -> None:
    """Create a folder that only this user can enter.

    Raises:
        SetupError: it cannot be created or belongs to another user.
    """
    try:
        is_new = not os.path.lexists(folder)
        # One that another process makes in between is an error, never taken for ours.
        folder.mkdir(parents=True, exist_ok=not is_new, mode=0o700)
        # A link belongs to whoever made it, wherever it leads.
        if {folder.lstat().st_uid, folder.stat().st_uid} != {os.getuid()}:
            raise SetupError(f"{folder} belongs to another user; choose another with --home")
        if is_new:
            folder.chmod(0o700)
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be used ({error.strerror}); choose another with --home"
        ) from error


def make_secrets(folder: Path) -> None:
    """Write each missing key and token, random, into a file of mode 600; keep those there are."""
    make_private(folder)
    for name in SECRETS:
        try:
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))


def read_ports(home: Path) -> dict[str, int]:
    """The ports of the last start; empty before the first."""
    try:
        return dict(json.loads((home / _PORTS).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def remove_ray_folder(home: Path) -> None:
    """Remove the logs and sockets of an ended Ray, which would pile up."""
    folder = ray_folder(home)
    shutil.rmtree(folder if folder.is_relative_to(home) else folder.parent, ignore_errors=True)


def remove_outside(home: Path) -> None:
    """Remove what a stack that has ended leaves outside its state folder."""
    if not ray_folder(home).is_relative_to(home):
        remove_ray_folder(home)


def _moved(value: str, default: str, home: Path) -> str:
    return value.replace(_DEFAULT_HOME, str(home), 1) if value == default else value


def main(argv: Sequence[str] | None = None) -> int:
    """Supervise a stack until a signal, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deskwheel.stack", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="state folder")
    parser.add_argument("--only", help="names of services, comma-separated; all if left out")
    parser.add_argument("--config", type=Path, help="TOML file with the settings")
    parser.add_argument("--set", action="append", default=[], help="override one setting")
    chosen = parser.parse_args(argv)
    stop = stop_event()
    try:
        stack = Stack(chosen.home, wished_settings(chosen.home, chosen.config, chosen.set))
        stack.start(chosen.only.split(",") if chosen.only else None)
    except DeskwheelError as error:
        print(f"deskwheel: {error}", file=sys.stderr)
        return 1
    try:
        stop.wait()
    finally:
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
