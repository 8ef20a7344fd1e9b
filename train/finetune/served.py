"""What a run of the pipeline may be: a model that it can judge and serve. Loads no engine."""

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings


def check_served(settings: TrainSettings) -> None:
    """Return if what is trained can be judged and served by the rest of the pipeline.

    Raises:
        ConfigError: it would be a whole model, or lie in shares on several GPUs.
    """
    for key, refused, why in (
        ("method", "full", "makes a whole model, and the gate and serving take adapters only"),
        ("parallel", "fsdp2", "leaves shares of the base, and a worker judges a whole one"),
    ):
        if getattr(settings, key) == refused:
            raise ConfigError(
                f"train.{key}={refused!r} {why}; set another one, or call"
                " train.finetune.loop.train_adapter in workers of your own"
            )
