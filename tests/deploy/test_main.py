import subprocess
import sys

import pytest

from deploy.__main__ import VERBS


@pytest.mark.parametrize("verb", list(VERBS))
def test_help_of_every_verb_needs_no_engine(verb: str) -> None:
    code = (
        "import sys; sys.argv = ['deploy', sys.argv[1], '--help']\n"
        "from deploy.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print([m for m in ('ray', 'torch', 'mlflow', 'scipy', 'fastapi') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, verb], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--config" in done.stdout


@pytest.mark.parametrize("module", ["deploy.promote", "deploy.rollback", "deploy.decide"])
def test_these_verbs_import_neither_ray_nor_torch(module: str) -> None:
    code = f"import sys, {module}; print([m for m in ('ray', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == "[]"
