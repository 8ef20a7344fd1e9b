"""A folder with everything `make setup FROM=DIR` needs; run by `make bundle TO=DIR`.

Run it on a machine with network and the same Python version and platform as the one without:
`DIR/wheels` then holds the locked libraries, checked by hash, and `DIR/jars` the Java archives.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deskwheel import jars

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"cuda": "torch-cuda.txt"}


def main() -> int:
    """Fill the folder and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where to collect; made when missing")
    parser.add_argument("--torch", default="", help="cuda adds every CUDA package")
    options = parser.parse_args()
    if not options.folder:
        print("error: name the folder: make bundle TO=DIR", file=sys.stderr)
        return 2
    folder = Path(options.folder).resolve()
    locks = ["uv.txt", "locked.txt", LOCKS.get(options.torch, "torch.txt")]
    with tempfile.TemporaryDirectory() as scratch:
        # The environment itself has no pip, and uv does not download without installing.
        subprocess.run([sys.executable, "-m", "venv", scratch], check=True)
        pip = [f"{scratch}/bin/python", "-m", "pip", "download", "--no-deps", "--require-hashes"]
        for lock in locks:
            files = ["-r", str(ROOT / "requirements" / lock), "-d", str(folder / "wheels")]
            subprocess.run([*pip, *files], check=True)
    for kind, path in jars.ensure_jars().items():
        shutil.copytree(path, folder / "jars" / kind, dirs_exist_ok=True)
    print(f"bundle: {folder}; there: make setup FROM={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
