"""Find the data set: CIFAKE_DATA, then data/cifake, then Kaggle, then the demo images."""

import os
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from cifake.core.errors import DataError
from cifake.data.archives import ARCHIVE_SUFFIXES
from cifake.data.demo import Demo
from cifake.data.image_files import Folder, open_files
from cifake.data.sources import ClassFolders, Source

KAGGLE_HANDLE = "birdy654/cifake-real-and-ai-generated-synthetic-images"
LOCAL_FOLDER = Path("data/cifake")


def find(dataset: str) -> Source:
    """Choose the source of the data set.

    Args:
        dataset: ``cifake``, ``demo``, ``other``, or ``auto`` for what CIFAKE_DATA or data/cifake holds, else
            CIFAKE if it can be downloaded, else demo.

    Raises:
        DataError: CIFAKE_DATA names no folder or archive, or what was asked for is not available.
    """
    if dataset == "demo":
        return Demo()
    if source := find_local():
        return source
    if dataset == "other":
        raise DataError(
            "dataset=other: expected CIFAKE_DATA to name a folder or an archive; see docs/data.md"
        )
    try:
        return _download()
    except DataError as error:
        if dataset == "cifake":
            raise
        text = (
            f"{error}.\n\nUsing the DEMO images instead: crops of two photographs, for trying the commands. "
            "Their scores say nothing about CIFAKE."
        )
        panel = Panel(text, title="DEMO DATA, NOT CIFAKE", border_style="bold red")
        Console(stderr=True).print(panel)
        return Demo()


def choose_dataset(dataset: str, dataset_name: str | None) -> str:
    """The data set to find: images that are given a name are neither CIFAKE nor the demo set."""
    return "other" if dataset_name and dataset == "auto" else dataset


def find_local() -> Source | None:
    """The images on this machine: CIFAKE_DATA, or else data/cifake; None where there is neither.

    Raises:
        DataError: CIFAKE_DATA names no folder or archive.
    """
    if location := os.environ.get("CIFAKE_DATA"):
        return open_path(Path(os.path.expanduser(location)))
    return ClassFolders(Folder(str(LOCAL_FOLDER))) if LOCAL_FOLDER.is_dir() else None


def open_path(path: Path) -> Source:
    """A directory or an archive as a source.

    Raises:
        DataError: the path is neither.
    """
    if images := open_files(str(path)):
        return ClassFolders(images)
    raise DataError(
        f"CIFAKE_DATA={path}: expected a directory or a {', '.join(ARCHIVE_SUFFIXES)} file, "
        f"{'which this is not' if path.exists() else 'but there is no such file'}"
    )


def _download() -> Source:
    import kagglehub  # 0.5 s to import, and needed only here
    import kagglehub.exceptions
    import requests

    failures = (requests.RequestException, *vars(kagglehub.exceptions).values())
    errors = tuple(e for e in failures if isinstance(e, type) and issubclass(e, Exception))
    try:
        return ClassFolders(Folder(kagglehub.dataset_download(KAGGLE_HANDLE)))
    except errors as error:
        reason = str(error).partition(":")[0]
        raise DataError(
            f"CIFAKE was not found: CIFAKE_DATA is not set, there is no {LOCAL_FOLDER}/, and the "
            f"download from Kaggle failed ({type(error).__name__}: {reason}). Set CIFAKE_DATA to a "
            f"directory or an archive, see 'The data' in README.md"
        ) from None
