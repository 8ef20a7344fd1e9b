"""Every setting of deskwheel with its unit, range and effect; defaults live only here.

A section is a frozen dataclass; `deskwheel.config` reads them from TOML. The bounds of a number
stand in its field's metadata and are checked when the file is read.
"""

from dataclasses import dataclass, field

from deskwheel.settings.fields import REFERENCE, bounded, described
from deskwheel.settings.jobs import JobSettings
from deskwheel.settings.quality import ValidateSettings
from deskwheel.settings.serving import AbSettings, ServeSettings
from deskwheel.settings.traffic import (
    GatewaySettings,
    IngestSettings,
    KafkaSettings,
    PipelineSettings,
    TransformsSettings,
)
from deskwheel.settings.training import GateSettings, TrainSettings, TriggerSettings
from deskwheel.settings.tuning import TuneSettings

__all__ = [
    "AbSettings",
    "GateSettings",
    "GatewaySettings",
    "IngestSettings",
    "JobSettings",
    "KafkaSettings",
    "PipelineSettings",
    "REFERENCE",
    "ServeSettings",
    "Settings",
    "TrainSettings",
    "TransformsSettings",
    "TriggerSettings",
    "TuneSettings",
    "ValidateSettings",
    "bounded",
    "described",
]


@dataclass(frozen=True)
class Settings:
    """All sections; one TOML table each."""

    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    transforms: TransformsSettings = field(default_factory=TransformsSettings)
    validate: ValidateSettings = field(default_factory=ValidateSettings)
    trigger: TriggerSettings = field(default_factory=TriggerSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    tune: TuneSettings = field(default_factory=TuneSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    ab: AbSettings = field(default_factory=AbSettings)
