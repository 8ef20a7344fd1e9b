"""Settings of the place where trainings run."""

from dataclasses import dataclass

from deskwheel.settings.fields import REFERENCE, bounded, described


@dataclass(frozen=True)
class JobSettings:
    """Where trainings run, and what they may take there."""

    target: str = described(
        "auto",
        "`local`: processes of this machine; `ray`: the cluster of `train.ray_jobs_url`;"
        " `kuberay`: a RayJob each; `auto`: `ray` where that address is set, else `local`.",
        ("auto", "local", "ray", "kuberay"),
    )
    driver_cpus: float = bounded(
        0.0, 0, 1024, "Logical CPUs that Ray reserves for a job's driver, beside its workers'."
    )
    driver_gpus: float = bounded(0.0, 0, 64, "GPUs that Ray reserves for a job's driver.")
    cpus_per_worker: float = bounded(1.0, 0, 1024, "Logical CPUs that Ray reserves a worker.")
    gpus_per_worker: float = bounded(
        1.0, 0, 64, "GPUs that Ray reserves a worker with `train.use_gpu`; 0.5 leaves half of one."
    )
    nice: int = bounded(
        10, 0, 19, "How far a training worker gives way to other processes of its machine."
    )
    max_failures: int = bounded(
        2, 0, 100, "Deaths of a worker after which one job goes on at its last model checkpoint."
    )
    working_dir: str = described(
        "", "Folder or address that Ray copies to every node and starts the job in."
    )
    py_modules: tuple[str, ...] = described((), "Packages that Ray copies to every node.")
    env_vars: tuple[str, ...] = described(
        (), "Environment of a job, `NAME=value`. Ray's API shows it in clear: no secrets."
    )
    kube_api: str = described(
        "", "Address of the Kubernetes API; empty: that of the cluster whose pod this is."
    )
    kube_token: str = described(
        "",
        "Where the API's bearer token is; empty: the pod's service account.",
        pattern=REFERENCE,
    )
    kube_ca_file: str = described("", "Certificate of the API; empty: the service account's.")
    kube_namespace: str = described("", "Namespace of the RayJobs; empty: the service account's.")
    kube_image: str = described("", "Container image that holds deskwheel.")
    kube_claim: str = described(
        "", "Volume claim with tables and runs, mounted where the settings say they are."
    )
    kube_mount: str = described("/var/lib/deskwheel", "Where the claim is mounted.")
    kube_secret: str = described("", "Secret whose entries become environment variables.")
    kube_service_account: str = described("", "Service account of the training's pods.")
    kube_memory_gib: float = bounded(16.0, 0.5, 16_384, "Memory of a worker's pod.")
    kube_gpu: str = described("nvidia.com/gpu", "Name of the GPU resource.")
    kube_priority_class: str = described(
        "", "PriorityClass of the pods, and Kueue's where there is a queue."
    )
    kube_queue: str = described("", "Local queue of Kueue that admits the RayJobs.")
    kube_keep_s: int = bounded(
        600, 0, 2_592_000, "How long a finished RayJob's cluster stays, for its logs."
    )
