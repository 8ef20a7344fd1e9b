"""The suites that judged, by version: kept in the state database, found by name.

Reads and writes documents of the state database and the timeline; no table.
"""

from pathlib import Path

from deskwheel.errors import ConfigError
from deskwheel.settings import Settings
from deskwheel.state import State
from validate.suite import Suites, load_suites, parse_suites, read_suites, shipped_folder

DOCUMENT = "suite"
"""Family of the suites in the state database; the id is the version."""
SHIPPED, CURRENT = "shipped", "current"


def keep_suites(state: State, pipeline: str, suites: Suites) -> bool:
    """Keep a version of the suites so that it can be named later; False if it was kept already."""
    if state.get(DOCUMENT, suites.version) is not None:
        return False
    state.put(DOCUMENT, suites.version, suites.to_json_dict())
    state.record(
        pipeline, "suite_adopted", suites.version, {"rules": sum(1 for _ in suites.rules())}
    )
    return True


def find_suites(settings: Settings, name: str) -> Suites:
    """The suites of a file, a folder, a kept version, `shipped` or `current` (as set).

    Raises:
        ConfigError: there is none of this name.
    """
    if name == SHIPPED:
        return read_suites(shipped_folder())
    if name == CURRENT:
        return load_suites(settings.validate)
    if Path(name).exists():
        return read_suites(Path(name))
    state = State(settings.pipeline.state_url)
    try:
        found = state.get(DOCUMENT, name)
        known = list(state.documents(DOCUMENT))
    finally:
        state.close()
    if found is None:
        raise ConfigError(
            f"{name} is no file, folder or version of a suite; the gate has judged by"
            f" {', '.join(known) or 'none yet'}"
        )
    return parse_suites(found[0], name)
