"""Environment variables that the engines read when they are imported: telemetry off, sane CPUs.

Ray, MLflow, transformers and OpenMP look at them once, so whoever starts a process sets them.
"""

import secrets
from pathlib import Path

RAY_TOKEN_FILE = "ray_token"  # noqa: S105  a file name


def engine_environment(*, is_offline: bool = True) -> dict[str, str]:
    """Variables for every process of deskwheel that may import an engine.

    Args:
        is_offline: refuse every request to a model hub; False where the base model is a hub id.
    """
    environment = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TRAIN_V2_ENABLED": "1",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        # Waiting threads that spin take the core from Spark and the broker: three times slower.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
    }
    if is_offline:
        environment |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return environment


def ray_token_environment(secrets_dir: Path) -> dict[str, str]:
    """Variables with which Ray asks for a token; the token's file is made when it is missing.

    Without them Ray writes a token into the home folder by itself.
    """
    path = (secrets_dir / RAY_TOKEN_FILE).resolve()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path)}
