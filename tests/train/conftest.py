from pathlib import Path

import pytest

from deskwheel.engines import engine_environment


@pytest.fixture(autouse=True, scope="session")
def _engines() -> None:
    patch = pytest.MonkeyPatch()
    for name, value in engine_environment().items():
        patch.setenv(name, value)


@pytest.fixture(scope="session")
def tracking_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database to be copied: each new one costs a second of migrations."""
    from mlflow import MlflowClient  # noqa: PLC0415

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}").search_experiments()
    return file
