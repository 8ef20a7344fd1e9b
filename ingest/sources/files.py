"""The files under a path, for the sources that read files. Reads and writes no topic."""

from collections.abc import Iterator
from pathlib import Path

from deskwheel.errors import SetupError


def files_under(path: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield a file itself, or the files of a folder with one of the suffixes, by name.

    Raises:
        SetupError: the path does not exist, or the folder holds no such file.
    """
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise SetupError(f"{path}: no such file or folder; give the path of the raw material")
    found = [p for p in sorted(path.rglob("*")) if p.is_file() and p.suffix in suffixes]
    if not found:
        raise SetupError(f"{path}: no file that ends in {', '.join(suffixes)}")
    yield from found
