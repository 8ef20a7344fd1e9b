"""The folder of a backfill: shadow tables that lie apart from the live ones.

Reads tables of either; writes none.
"""

from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake
from deskwheel.errors import SetupError
from deskwheel.settings import Settings
from deskwheel.tables import Table

MANIFEST = "backfill.json"
"""Written last: a folder without it holds a backfill that was cut off."""


def refuse_folder(folder: Path, settings: Settings, *, is_new: bool) -> None:
    """Refuse the live lake, a used folder for a new backfill, and an unfinished one for a merge.

    Raises:
        SetupError: the folder is one of these.
    """
    live = Path(settings.pipeline.lake).absolute()
    if folder == live or live in folder.parents or folder in live.parents:
        raise SetupError(f"--into {folder}: must lie apart from the live tables in {live}")
    if is_new and folder.exists() and any(folder.iterdir()):
        raise SetupError(f"--into {folder}: not empty; give a new folder")
    if not is_new and not (folder / MANIFEST).exists():
        raise SetupError(f"--into {folder}: holds no finished backfill; make one without --merge")


def shadow_settings(settings: Settings, folder: Path) -> Settings:
    """The settings with lake and stream checkpoints under the folder."""
    return replace(
        settings,
        pipeline=replace(settings.pipeline, lake=str(folder / "lake")),
        transforms=replace(settings.transforms, checkpoint_dir=str(folder / "checkpoints")),
    )


def load(spark: SparkSession, lake_dir: str, table: Table) -> DataFrame:
    """A table as a frame."""
    return spark.read.format("delta").load(str(lake.table_path(lake_dir, table)))
