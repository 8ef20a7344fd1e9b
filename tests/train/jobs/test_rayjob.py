import argparse
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.errors import ConfigError
from deskwheel.settings import JobSettings, Settings, TrainSettings
from train.jobs.environment import runtime_env
from train.jobs.manifest import show_manifest
from train.jobs.rayjob import rayjob_manifest, rayjob_name


def settings(**jobs: Any) -> Settings:
    train = TrainSettings(workers=4, use_gpu=True)
    return replace(Settings(), train=train, jobs=JobSettings(kube_image="image:1", **jobs))


def cluster_of(**train: Any) -> dict[str, Any]:
    plain = settings()
    mine = replace(plain, train=replace(plain.train, **train))
    found = rayjob_manifest("job", ["python3"], mine)["spec"]["rayClusterSpec"]
    return dict(found)


def manifest(**jobs: Any) -> dict[str, Any]:
    return rayjob_manifest("deskwheel-support-0", ["python3", "-m", "train"], settings(**jobs))


@given(st.text(min_size=1, max_size=80))
def test_every_name_becomes_one_that_kubernetes_takes(name: str) -> None:
    found = rayjob_name(f"deskwheel-{name}-0")
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", found)
    assert len(found) <= 47


@given(st.text(max_size=60), st.text(max_size=60))
def test_two_names_stay_two(one: str, other: str) -> None:
    assert (rayjob_name(f"d-{one}-0") == rayjob_name(f"d-{other}-0")) == (one == other)


def test_each_worker_gets_its_gpu_and_the_head_none() -> None:
    cluster = manifest()["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert group["replicas"] == group["minReplicas"] == group["maxReplicas"] == 4
    (worker,) = group["template"]["spec"]["containers"]
    (head,) = cluster["headGroupSpec"]["template"]["spec"]["containers"]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in head["resources"]["limits"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert not cluster["enableInTreeAutoscaling"]


@pytest.mark.parametrize(("min_workers", "least"), [(1, 1), (3, 3), (9, 4)])
def test_a_run_that_can_do_with_fewer_workers_waits_for_no_more(
    min_workers: int, least: int
) -> None:
    cluster = cluster_of(min_workers=min_workers)
    (group,) = cluster["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (least, least, 4)
    assert cluster["enableInTreeAutoscaling"] is (least < 4)


def test_kuberay_repeats_nothing_because_the_watcher_does() -> None:
    spec = manifest()["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["shutdownAfterJobFinishes"]
    assert spec["jobId"] == "deskwheel-support-0"


def test_the_runtime_environment_is_yaml_of_the_settings() -> None:
    found = manifest(env_vars=("A=1=2",), working_dir="s3://b/code.zip")["spec"]["runtimeEnvYAML"]
    assert yaml.safe_load(found) == {"env_vars": {"A": "1=2"}, "working_dir": "s3://b/code.zip"}
    assert runtime_env(JobSettings()) == {}


@pytest.mark.parametrize("entry", ["A", "=1", "A B=1"])
def test_an_entry_of_the_environment_without_a_name_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="NAME=value"):
        runtime_env(JobSettings(env_vars=(entry,)))


def test_a_priority_is_kueues_where_there_is_a_queue_and_else_the_pods() -> None:
    queued = manifest(kube_queue="gpus", kube_priority_class="low")
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] == "low"
    assert "priorityClassName" not in json.dumps(queued)
    plain = manifest(kube_priority_class="low")
    assert (
        plain["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["priorityClassName"]
        == "low"
    )


def test_the_claim_is_mounted_in_every_pod() -> None:
    cluster = manifest(kube_claim="runs", kube_mount="/data")["spec"]["rayClusterSpec"]
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for pod in (p["template"]["spec"] for p in pods):
        assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "runs"}
        assert pod["containers"][0]["volumeMounts"][0]["mountPath"] == "/data"


def test_without_an_image_there_is_no_manifest() -> None:
    with pytest.raises(ConfigError, match="jobs.kube_image"):
        rayjob_manifest("one", ["python"], Settings())


def test_the_verb_prints_what_would_be_created(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = argparse.Namespace(snapshot="snap-1", from_version=3, attempt=2)
    assert show_manifest(settings(), arguments) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["metadata"]["name"] == "deskwheel-support-3-attempt2"
    assert "--snapshot snap-1 --from-version 3" in printed["spec"]["entrypoint"]
