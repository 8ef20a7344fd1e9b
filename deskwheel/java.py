"""The Java runtime that the broker, Spark and the jar resolver share.

Reads and writes no table or topic.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deskwheel.errors import SetupError

MINIMUM_VERSION = 17
"""Oldest Java that Spark 4 and Kafka 4 both run on. Source: their release notes."""

REMEDY = (
    f"install Java {MINIMUM_VERSION} or newer (Debian/Ubuntu: apt-get install "
    "openjdk-17-jre-headless; Fedora: dnf install java-17-openjdk-headless; macOS: "
    "brew install openjdk@17) or point JAVA_HOME at one"
)


def find_java(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the `java` program of JAVA_HOME, or else the first on PATH.

    JAVA_HOME alone decides when it is set, because Spark's own launcher reads it the same
    way: two different answers would start two different runtimes.

    Raises:
        SetupError: there is none, it does not answer, or it is older than Java 17.
    """
    home = environ.get("JAVA_HOME")
    if home:
        where, found = f"JAVA_HOME={home}", shutil.which("java", path=str(Path(home) / "bin"))
    else:
        where, found = "PATH", shutil.which("java", path=environ.get("PATH", os.defpath))
    if found is None:
        raise SetupError(f"no java program in {where}; {REMEDY}")
    version = java_version(Path(found))
    if version is None:
        raise SetupError(f"{found} (from {where}) does not say which Java it is; {REMEDY}")
    if version < MINIMUM_VERSION:
        raise SetupError(f"{found} (from {where}) is Java {version}, too old; {REMEDY}")
    return Path(found)


def java_version(java: Path) -> int | None:
    """Return the feature version a `java` program reports, or None when it reports none.

    Before Java 9 the feature version is the second number: `1.8.0` is 8. The macOS
    placeholder at `/usr/bin/java` prints no version, and so counts as no Java at all.
    """
    try:
        done = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    numbers = re.search(r'version "(\d+)(?:\.(\d+))?', done.stderr + done.stdout)
    if numbers is None:
        return None
    first, second = int(numbers[1]), int(numbers[2] or 0)
    return second if first == 1 else first
