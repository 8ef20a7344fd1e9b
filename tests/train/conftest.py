import pytest

from deskwheel.engines import engine_environment


@pytest.fixture(autouse=True, scope="session")
def _engines() -> None:
    patch = pytest.MonkeyPatch()
    for name, value in engine_environment().items():
        patch.setenv(name, value)
