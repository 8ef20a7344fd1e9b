"""The runtime environment that Ray gives a job, out of the settings. Loads no engine."""

from typing import Any

from deskwheel.errors import ConfigError
from deskwheel.settings import JobSettings


def runtime_env(settings: JobSettings) -> dict[str, Any]:
    """What Ray sets up on every node before it starts the job; empty when nothing is set.

    Raises:
        ConfigError: an entry of `jobs.env_vars` is not `NAME=value`.
    """
    found: dict[str, Any] = {}
    if settings.env_vars:
        found["env_vars"] = dict(_variable(entry) for entry in settings.env_vars)
    if settings.working_dir:
        found["working_dir"] = settings.working_dir
    if settings.py_modules:
        found["py_modules"] = list(settings.py_modules)
    return found


def _variable(entry: str) -> tuple[str, str]:
    name, is_set, value = entry.partition("=")
    if not is_set or not name.isidentifier():
        raise ConfigError(f"jobs.env_vars: {entry.partition('=')[0]!r} must be NAME=value")
    return name, value
