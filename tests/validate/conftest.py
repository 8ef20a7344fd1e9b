from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from deskwheel.errors import SetupError
from transforms.session import spark_session


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    try:
        session = spark_session("tests", driver_memory="1g")
    except SetupError as error:
        pytest.skip(str(error))
    yield session
    session.stop()
