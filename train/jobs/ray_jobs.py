"""Training jobs on a Ray cluster, through the job server of its dashboard.

Reads and writes no table. Ray's token is taken from the environment
(`deskwheel.engines.ray_token_environment`).
"""

import os
import shlex
from collections.abc import Sequence

from ray.job_submission import JobStatus as RayStatus
from ray.job_submission import JobSubmissionClient
from requests.exceptions import RequestException

from deskwheel.errors import ServiceError
from deskwheel.settings import JobSettings, Settings
from train.jobs.environment import runtime_env
from train.jobs.place import JobStatus, last_lines

_STATUS: dict[RayStatus, JobStatus] = {
    RayStatus.PENDING: "running",
    RayStatus.RUNNING: "running",
    RayStatus.SUCCEEDED: "succeeded",
    RayStatus.FAILED: "failed",
    RayStatus.STOPPED: "failed",
}


class RayJobs:
    """Jobs of a Ray cluster; see `train.jobs.place.Jobs`.

    Ray knows no order between jobs: each starts its driver at once, and its workers wait for the
    resources that they reserve. A cluster that was started anew has forgotten its jobs: they are
    `missing` and may be submitted again. That repeats compute and publishes nothing twice
    (`train.publishing.publish`).
    """

    def __init__(self, url: str, settings: JobSettings) -> None:
        """Connect to a job server.

        Raises:
            ServiceError: it does not answer.
        """
        self._url = url
        self._settings = settings
        try:
            self._client = JobSubmissionClient(url)
        except (ConnectionError, RequestException, RuntimeError) as error:
            raise self._unreachable(error) from error

    def submit(self, name: str, command: Sequence[str]) -> None:
        """Submit under a submission id; the server refuses a second job of that id."""
        if self.status(name) != "missing":
            return
        try:
            self._client.submit_job(
                entrypoint=self._entrypoint(command),
                submission_id=name,
                runtime_env=runtime_env(self._settings) or None,
                metadata={"started_by": "deskwheel"},
                entrypoint_num_cpus=self._settings.driver_cpus or None,
                entrypoint_num_gpus=self._settings.driver_gpus or None,
            )
        except (ConnectionError, RequestException) as error:
            raise self._unreachable(error) from error
        except RuntimeError as error:
            if "already exists" not in str(error):
                raise self._unreachable(error) from error

    def status(self, name: str) -> JobStatus:
        """Status by submission id."""
        try:
            return _STATUS[self._client.get_job_status(name)]
        except (ConnectionError, RequestException) as error:
            raise self._unreachable(error) from error
        except RuntimeError as error:
            if "status code 404" in str(error):
                return "missing"
            raise self._unreachable(error) from error

    def stop(self, name: str) -> None:
        """Ask Ray to end the job: SIGTERM, after three seconds SIGKILL."""
        try:
            self._client.stop_job(name)
        except (ConnectionError, RequestException) as error:
            raise self._unreachable(error) from error
        except RuntimeError as error:
            if "status code 404" not in str(error):
                raise self._unreachable(error) from error

    def log_tail(self, name: str, *, lines: int) -> str:
        """The last lines of the driver's log; empty when the server cannot give it."""
        try:
            text = self._client.get_job_logs(name)
        except (ConnectionError, RequestException, RuntimeError):
            return ""
        return last_lines(str(text), lines)

    def _entrypoint(self, command: Sequence[str]) -> str:
        """The command as a line of shell.

        Settings may hold relative paths, which count from where the watcher was called; a job
        with a working folder of its own starts there.
        """
        if self._settings.working_dir:
            return f"exec {shlex.join(command)}"
        return f"cd {shlex.quote(os.getcwd())} && exec {shlex.join(command)}"

    def _unreachable(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"Ray's job server {self._url} does not do what it is asked ({error});"
            " is Ray up, and RAY_AUTH_TOKEN_PATH the one it was started with?"
        )


def open_place(settings: Settings) -> RayJobs:
    """The jobs of the cluster at `train.ray_jobs_url`."""
    return RayJobs(settings.train.ray_jobs_url, settings.jobs)
