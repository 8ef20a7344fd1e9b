"""Libraries that the benchmarks compare with, into `.venv-peers`; run by `make peers`.

deskwheel imports none of them, and their pins would fight with its own: they live in an
environment of their own, which the benchmarks call through `benchmarks.peers`.
"""

import subprocess

from bootstrap import REQUIREMENTS, ROOT, base_python, find_uv

LOCK = REQUIREMENTS / "peers.txt"
PEERS = ROOT / ".venv-peers"
PYTHON = PEERS / "bin" / "python"


def main() -> None:
    """Make `.venv-peers` hold what requirements/peers.txt says, and nothing else."""
    if not PYTHON.exists():
        subprocess.run([base_python(), "-m", "venv", "--without-pip", str(PEERS)], check=True)
    sync = [find_uv(None), "pip", "sync", "--quiet", "--python", str(PYTHON), "--require-hashes"]
    # Two libraries come as source: the setuptools that builds them is checked as well.
    subprocess.run([*sync, "--build-constraints", str(LOCK), str(LOCK)], check=True)
    print(f"peers: ready in {PEERS.name}")


if __name__ == "__main__":
    main()
