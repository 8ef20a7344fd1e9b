from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deskwheel.errors import ConfigError, ServiceError, SetupError
from deskwheel.settings import JobSettings, Settings
from tests.train.jobs.kubernetes import TOKEN, FakeCluster, fake_cluster
from train.jobs import open_jobs
from train.jobs.kuberay import KubeApi, KubeJobs, open_place

COMMAND = ["/usr/bin/python3", "-m", "train", "run", "--snapshot", "snap-1"]


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with fake_cluster() as cluster:
        yield cluster


@pytest.fixture
def settings(cluster: FakeCluster, tmp_path: Path) -> Settings:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    jobs = JobSettings(
        target="kuberay",
        kube_api=cluster.url,
        kube_token=f"file:{token}",
        kube_namespace="training",
        kube_image="registry.example/deskwheel:1",
    )
    return replace(Settings(), jobs=jobs)


@pytest.fixture
def jobs(settings: Settings) -> KubeJobs:
    return open_place(settings)


def test_a_rayjob_is_created_once_however_often_it_is_submitted(
    jobs: KubeJobs, cluster: FakeCluster
) -> None:
    assert jobs.status("deskwheel-support-0") == "missing"
    jobs.submit("deskwheel-support-0", COMMAND)
    jobs.submit("deskwheel-support-0", ["another"])
    (created,) = cluster.jobs.values()
    assert created["spec"]["entrypoint"] == "python -m train run --snapshot snap-1"
    assert jobs.status("deskwheel-support-0") == "running"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"jobDeploymentStatus": "Initializing"}, "running"),
        ({"jobDeploymentStatus": "Running", "jobStatus": "PENDING"}, "running"),
        ({"jobDeploymentStatus": "Running", "jobStatus": "RUNNING"}, "running"),
        ({"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}, "succeeded"),
        ({"jobDeploymentStatus": "Failed", "jobStatus": "FAILED"}, "failed"),
        ({"jobDeploymentStatus": "Complete", "jobStatus": "STOPPED"}, "failed"),
        ({"jobDeploymentStatus": "Failed", "reason": "DeadlineExceeded"}, "failed"),
    ],
)
def test_what_kuberay_says_becomes_a_status(
    jobs: KubeJobs, cluster: FakeCluster, said: dict[str, str], status: str
) -> None:
    jobs.submit("one", COMMAND)
    cluster.jobs["one"]["status"] = said
    assert jobs.status("one") == status


def test_a_stopped_rayjob_is_gone_and_stopping_again_does_nothing(
    jobs: KubeJobs, cluster: FakeCluster
) -> None:
    jobs.submit("one", COMMAND)
    jobs.stop("one")
    jobs.stop("one")
    assert cluster.jobs == {}


def test_the_log_is_that_of_the_submitting_pod(jobs: KubeJobs, cluster: FakeCluster) -> None:
    assert jobs.log_tail("one", lines=2) == ""
    cluster.logs["one"] = "a\nb\nc\n"
    assert jobs.log_tail("one", lines=2) == "b\nc"


def test_a_refused_manifest_says_why(jobs: KubeJobs, cluster: FakeCluster) -> None:
    cluster.refusal = "spec.jobId: too long"
    with pytest.raises(ConfigError, match="RayJob one: spec.jobId: too long"):
        jobs.submit("one", COMMAND)


def test_an_api_that_is_down_may_answer_later(jobs: KubeJobs, cluster: FakeCluster) -> None:
    cluster.is_down = True
    with pytest.raises(ServiceError, match="503") as found:
        jobs.status("one")
    assert found.value.retriable
    assert jobs.log_tail("one", lines=2) == ""


def test_a_cluster_without_kuberay_is_named(jobs: KubeJobs, cluster: FakeCluster) -> None:
    cluster.has_kuberay = False
    with pytest.raises(ServiceError, match="install the operator"):
        jobs.submit("one", COMMAND)


def test_a_wrong_token_is_named_and_never_shown(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("wrong")
    with pytest.raises(ServiceError, match="401") as found:
        open_place(settings).status("one")
    assert "wrong" not in str(found.value)


def test_a_renewed_token_is_read_again(settings: Settings, tmp_path: Path) -> None:
    jobs = open_place(settings)
    (tmp_path / "token").write_text("expired")
    with pytest.raises(ServiceError):
        jobs.status("one")
    (tmp_path / "token").write_text(TOKEN)
    assert jobs.status("one") == "missing"


def test_a_pod_needs_no_settings(
    cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    (tmp_path / "namespace").write_text("training")
    api = KubeApi(JobSettings(), account=tmp_path)
    assert (api.url, api.namespace) == ("https://10.0.0.1:6443", "training")


def test_a_token_goes_over_https_or_stays_on_the_machine(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be https"):
        KubeApi(JobSettings(kube_api="http://kubernetes.example"), account=tmp_path)


def test_outside_a_pod_the_address_must_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SetupError, match="jobs.kube_api"):
        KubeApi(JobSettings(), account=tmp_path)


def test_the_target_chooses_the_place(settings: Settings) -> None:
    assert isinstance(open_jobs(settings), KubeJobs)
    with pytest.raises(ConfigError, match="train.ray_jobs_url"):
        open_jobs(replace(settings, jobs=JobSettings(target="ray")))
