"""The files of infra/k8s grant what the code asks for, and no more."""

from pathlib import Path
from typing import Any

import yaml

from deskwheel import config
from train.jobs.rayjob import rayjob_manifest

FOLDER = Path(__file__).parents[3] / "infra" / "k8s"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def of_kind(name: str, kind: str) -> dict[str, Any]:
    (found,) = (d for d in documents(name) if d["kind"] == kind)
    return found


def test_the_role_allows_what_is_asked_and_no_more() -> None:
    rules = of_kind("training-rbac.yaml", "Role")["rules"]
    granted = {(r["apiGroups"][0], r["resources"][0]): set(r["verbs"]) for r in rules}
    assert granted == {
        ("ray.io", "rayjobs"): {"create", "get", "delete"},
        ("", "pods"): {"list"},
        ("", "pods/log"): {"get"},
    }


def test_the_watcher_runs_as_the_account_that_may() -> None:
    account = of_kind("training-rbac.yaml", "ServiceAccount")["metadata"]["name"]
    pod = of_kind("training-watcher.yaml", "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account


def test_the_settings_of_the_example_are_settings_and_lie_on_the_claim() -> None:
    settings = config.load(FOLDER / "training-settings.toml")
    assert settings.jobs.target == "kuberay"
    for place in (settings.train.runs_dir, settings.pipeline.lake):
        assert place.startswith(settings.jobs.kube_mount)
    assert rayjob_manifest("one", ["python"], settings)["kind"] == "RayJob"
