"""Training jobs as RayJobs of KubeRay, through the API of Kubernetes.

Reads and writes no table. Inside a pod the service account says who asks, and where; outside,
`jobs.kube_api`, `jobs.kube_token` and `jobs.kube_ca_file` do. Needs the rights of
infra/k8s/training-rbac.yaml.
Source: Kubernetes documentation, "Accessing the Kubernetes API from a Pod".
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import requests
from requests.exceptions import RequestException

from deskwheel.errors import ConfigError, ServiceError, SetupError
from deskwheel.secret import read_secret
from deskwheel.settings import JobSettings, Settings
from train.jobs.place import JobStatus, last_lines
from train.jobs.rayjob import rayjob_manifest, rayjob_name

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_S = 30.0
_CONFLICT, _NOT_FOUND, _UNUSABLE = 409, 404, 400
_HOME_HOSTS = ("127.0.0.1", "localhost")


class KubeApi:
    """The API of a Kubernetes cluster, as far as training needs it."""

    def __init__(self, settings: JobSettings, *, account: Path = _ACCOUNT) -> None:
        """Know the address and how to prove who asks; connects to nothing yet.

        Args:
            settings: address, token, certificate and namespace, where they are not the pod's own.
            account: folder of the pod's service account.

        Raises:
            ConfigError: the address is neither https nor this machine's own.
            SetupError: no address is set, and this is no pod.
        """
        self.url = settings.kube_api.rstrip("/") or _address_of_this_cluster()
        parts = urlparse(self.url)
        if parts.scheme != "https" and parts.hostname not in _HOME_HOSTS:
            raise ConfigError(f"jobs.kube_api {self.url} must be https: the token goes along")
        self.namespace = settings.kube_namespace or _read(account / "namespace") or "default"
        self._token = settings.kube_token
        self._account = account
        ca_file = settings.kube_ca_file or str(account / "ca.crt")
        self._session = requests.Session()
        # A proxy of the environment must not see the token.
        self._session.trust_env = False
        self._session.verify = ca_file if Path(ca_file).is_file() else True

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer to one request, whatever its status is below 500 but 401 and 403.

        Raises:
            ServiceError: the API does not answer, or refuses this account.
        """
        # The kubelet writes a new token into the file every hour.
        headers = {"Authorization": f"Bearer {self._current_token()}"}
        try:
            answer = self._session.request(
                method,
                f"{self.url}{path}",
                json=body,
                params=query,
                headers=headers,
                timeout=_TIMEOUT_S,
            )
        except RequestException as error:
            raise ServiceError(f"the Kubernetes API {self.url} does not answer: {error}") from error
        if answer.status_code in (401, 403) or answer.status_code >= 500:  # noqa: PLR2004
            raise ServiceError(
                f"the Kubernetes API answers {answer.status_code} to {method} {path}:"
                f" {_message(answer)}; its rights are in infra/k8s/training-rbac.yaml"
            )
        return answer

    def _current_token(self) -> str:
        if self._token:
            return read_secret(self._token, setting="jobs.kube_token")
        return _read(self._account / "token")


class KubeJobs:
    """Jobs as RayJobs; see `train.jobs.place.Jobs`.

    One that was deleted is `missing`, and submitted again by a watcher whose window is open.
    """

    def __init__(self, api: KubeApi, settings: Settings) -> None:
        """Submit to an API, with resources and image of the settings."""
        self._api = api
        self._settings = settings
        self._path = f"/apis/ray.io/v1/namespaces/{api.namespace}/rayjobs"

    def submit(self, name: str, command: Sequence[str]) -> None:
        """Create the RayJob; the API refuses a second one of its name.

        Raises:
            ConfigError: the manifest is refused; the answer says why.
        """
        manifest = rayjob_manifest(name, command, self._settings)
        answer = self._api.call("POST", self._path, body=manifest)
        if answer.status_code == _NOT_FOUND:
            raise ServiceError(f"{self._api.url} knows no RayJob; install the operator of KubeRay")
        if answer.status_code != _CONFLICT and answer.status_code >= _UNUSABLE:
            raise ConfigError(
                f"Kubernetes refuses RayJob {rayjob_name(name)}: {_message(answer)};"
                " `python -m train manifest` prints it"
            )

    def status(self, name: str) -> JobStatus:
        """What KubeRay says of the job and of its cluster."""
        answer = self._api.call("GET", self._place(name))
        if answer.status_code == _NOT_FOUND:
            return "missing"
        status = answer.json().get("status") or {}
        if status.get("jobStatus") == "SUCCEEDED":
            return "succeeded"
        has_failed = (
            status.get("jobStatus") in ("FAILED", "STOPPED")
            or status.get("jobDeploymentStatus") == "Failed"
        )
        return "failed" if has_failed else "running"

    def stop(self, name: str) -> None:
        """Delete the RayJob; its cluster and pods go with it."""
        self._api.call("DELETE", self._place(name), query={"propagationPolicy": "Background"})

    def log_tail(self, name: str, *, lines: int) -> str:
        """The last lines of the pod that submitted the job and follows its output."""
        pods = f"/api/v1/namespaces/{self._api.namespace}/pods"
        try:
            found = self._api.call(
                "GET", pods, query={"labelSelector": f"job-name={rayjob_name(name)}"}
            )
            items = found.json().get("items") or []
            if not items:
                return ""
            newest = max(items, key=lambda pod: pod["metadata"].get("creationTimestamp", ""))
            log = self._api.call(
                "GET", f"{pods}/{newest['metadata']['name']}/log", query={"tailLines": str(lines)}
            )
        except ServiceError:
            return ""
        return last_lines(log.text, lines) if log.ok else ""

    def _place(self, name: str) -> str:
        return f"{self._path}/{rayjob_name(name)}"


def open_place(settings: Settings) -> KubeJobs:
    """The RayJobs of the cluster that the settings name."""
    return KubeJobs(KubeApi(settings.jobs), settings)


def _address_of_this_cluster() -> str:
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    if not host:
        raise SetupError(
            'jobs.target = "kuberay" outside a pod needs jobs.kube_api, the address of the'
            " Kubernetes API"
        )
    return f"https://{f'[{host}]' if ':' in host else host}:{port or '443'}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("message") or answer.reason)
    except ValueError:
        return answer.text[:200]
