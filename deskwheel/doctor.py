"""What this machine must offer, checked one by one, each failure with its cure.

Reads and writes no table or topic and starts nothing but `java -version`.
"""

import argparse
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import psutil

from deskwheel.access import check, uses_sasl
from deskwheel.errors import ConfigError, DeskwheelError
from deskwheel.jars import KINDS, Kind, jar_dir
from deskwheel.java import find_java, java_version
from deskwheel.secret import read_secret
from deskwheel.services import PORTS, choose_ports
from deskwheel.settings import KafkaSettings, Settings

REPOSITORY = Path(__file__).resolve().parent.parent
STAGES = ("ingest", "transforms", "validate", "train", "deploy")
ENGINES = (
    "deltalake", "fastapi", "great_expectations", "kafka", "mlflow", "peft", "pyarrow", "pyspark",
    "ray", "sqlalchemy", "torch", "transformers", "trl", "uvicorn",
)  # fmt: skip
_PYTHON = (3, 11)
_GIB = 1024**3
_DISK_GIB = 5.0
_MEMORY_GIB = 6.0
"""Measured peak of the whole demo, 5.5 GiB of proportional set size, and some air."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing the machine must offer."""

    name: str
    is_met: bool
    found: str
    cure: str = ""
    """What to do; empty when it is met."""


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every check and return 1 if one is not met."""
    checks = examine(Path(arguments.home).resolve())
    checks.append(_asked("kafka access", partial(_kafka_access, settings.kafka)))
    if arguments.json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        for check in checks:
            print(f"{'✓' if check.is_met else '✗'} {check.name:<14}{check.found}")
            if check.cure:
                print(f"  {'':<14}→ {check.cure}")
    return int(not all(check.is_met for check in checks))


def examine(home: Path) -> list[Check]:
    """All checks, in the order in which a person would mend them."""
    return [
        _python(),
        _packages(),
        *(_stage(name) for name in STAGES),
        _asked("java", _java),
        *(_asked(f"{kind} jars", partial(_jars, kind)) for kind in KINDS),
        _memory(),
        _disk(home),
        _writable(home),
        _asked("ports", lambda: f"{len(choose_ports({}, home))} of {len(PORTS)} free"),
    ]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    is_met = sys.version_info[:2] >= _PYTHON
    return Check(
        name="python",
        is_met=is_met,
        found=f"{version} ({sys.executable})",
        cure="" if is_met else "install Python 3.11 or newer and run `make setup` with it",
    )


def _packages() -> Check:
    missing = [name for name in ENGINES if importlib.util.find_spec(name) is None]
    found = f"{len(ENGINES) - len(missing)} of {len(ENGINES)} engines"
    cure = f"run `make setup`; missing: {', '.join(missing)}" if missing else ""
    return Check(name="packages", is_met=not missing, found=found, cure=cure)


def _stage(name: str) -> Check:
    """Whether `import NAME` finds ours: `configobj`, for one, installs a top-level `validate`."""
    spec = importlib.util.find_spec(name)
    origin = Path(spec.origin).resolve() if spec and spec.origin else None
    is_ours = origin is not None and origin.is_relative_to(REPOSITORY / name)
    cure = (
        ""
        if is_ours
        else f"another package is called {name}, too: uninstall it, or run from {REPOSITORY}"
    )
    return Check(name=name, is_met=is_ours, found=str(origin or "not found"), cure=cure)


def _asked(name: str, ask: Callable[[], str]) -> Check:
    """A check out of a function that raises what is wrong together with its remedy."""
    try:
        return Check(name=name, is_met=True, found=ask())
    except DeskwheelError as error:
        problem, _, cure = str(error).partition("; ")
        return Check(name=name, is_met=False, found=problem, cure=cure)


def _java() -> str:
    java = find_java()
    return f"{java_version(java)} ({java})"


def _jars(kind: Kind) -> str:
    return str(jar_dir(kind))


def _kafka_access(settings: KafkaSettings) -> str:
    check(settings)
    for name in ("sasl_password", "oauth_client_secret"):
        if reference := getattr(settings, name):
            read_secret(reference, setting=f"kafka.{name}")
    for name in ("tls_ca_file", "tls_cert_file", "tls_key_file"):
        path = getattr(settings, name)
        if path and not os.access(path, os.R_OK):
            raise ConfigError(f"kafka.{name}: {path} cannot be read; put the PEM file there")
    mechanism = f" with {settings.sasl_mechanism}" if uses_sasl(settings) else ""
    return f"{settings.security}{mechanism} at {settings.bootstrap}"


def _memory() -> Check:
    free = psutil.virtual_memory().available / _GIB
    is_met = free >= _MEMORY_GIB
    return Check(
        name="memory",
        is_met=is_met,
        found=f"{free:.1f} GiB available",
        cure="" if is_met else f"end other programs: the whole stack takes {_MEMORY_GIB:.0f} GiB",
    )


def _disk(home: Path) -> Check:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / _GIB
    is_met = free >= _DISK_GIB
    return Check(
        name="disk",
        is_met=is_met,
        found=f"{free:.1f} GiB free in {folder}",
        cure="" if is_met else f"free {_DISK_GIB:.0f} GiB, or choose another folder with --home",
    )


def _writable(home: Path) -> Check:
    folders = [next(path for path in (home, *home.parents) if path.exists())]
    folders.append(Path(tempfile.gettempdir()))
    refused = [str(folder) for folder in folders if not os.access(folder, os.W_OK)]
    return Check(
        name="folders",
        is_met=not refused,
        found=f"{', '.join(refused)} not writable" if refused else f"{home} can be written",
        cure="choose another with --home or TMPDIR" if refused else "",
    )
