"""Damage images and archives at random: python -m benchmarks.reliability.fuzz --seconds 600 --seed 0.

Whatever a file holds, the readers of data sets and predictions give pixels, or their one error with the
file's name in one line; and where both give pixels, these are the same. tests/data and tests/predict run the
first rounds of it.
"""

import argparse
import io
import logging
import os
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from cifake.core.errors import DataError
from cifake.data.archives import Tar
from cifake.data.decode import open_image, plain_jpeg
from cifake.data.find import open_path
from cifake.predict.options import open_images
from cifake.predict.score_local import list_files
from cifake.predict.tasks import Task, decode

MODES = ("RGB", "L", "P", "RGBA", "LA", "CMYK", "I;16", "1", "F")
NAMES = (
    "1.jpg", "2 (3).JPG", "a\nb.png", "\udcff.jpeg", "\x1b[31m.gif", ".hidden.jpg", "Thumbs.db",
    "x" * 200 + ".tif", "notes.txt", "-.webp", "ünï.bmp", "4 (99999999999999999999).jpg", "a.jpg/b.png",
    ".git/c.jpg",
)  # fmt: skip
FOLDERS = ("train/REAL", "Train/fake", "test/REAL", "__MACOSX/test/FAKE", "deep/er/TEST/FAKE", "elsewhere")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tar.xz")


def encode_samples() -> list[bytes]:
    """A small image in every format and mode that Pillow writes, single and with three frames."""
    Image.init()
    corner = np.zeros((32, 32, 3), np.uint8)
    corner[:16, :16] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    found = []
    for form in sorted(set(Image.SAVE) - {"PDF"}):  # which Pillow does not read
        for mode in MODES:
            for options in (
                {},
                {"exif": exif},
                {"save_all": True, "append_images": [Image.new(mode, (32, 32))]},
            ):
                buffer = io.BytesIO()
                try:
                    Image.fromarray(corner).convert(mode).save(buffer, form, **options)
                except (OSError, ValueError, KeyError, TypeError):  # not a mode of this format
                    continue
                found.append(buffer.getvalue())
    return found


def damage(data: bytes, random: np.random.Generator) -> bytes:
    """Cut, overwrite, insert or remove bytes, mostly in the head, which says how to read the others."""
    changed = bytearray(data)
    for _ in range(random.integers(4)):
        place = int(random.integers(min(len(changed), 10 ** int(random.integers(1, 5))) or 1))
        match random.integers(4):
            case 0:
                del changed[max(place, 1) :]
            case 1:
                changed[place : place + 1] = random.bytes(1)
            case 2:
                changed[place:place] = random.bytes(int(random.integers(8)))
            case _:
                changed[place : place + 4] = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"][
                    random.integers(3)
                ]
    return bytes(changed)


def check_image(data: bytes) -> str:
    """Read an image by every reader; how it ended."""
    decoded = decode(Task(["a.png"], None, [data], encode=False))
    (error,) = decoded.errors
    assert error is None or (error and "\n" not in error), error
    plain = plain_jpeg(data)
    strict, reason = None, ""
    try:
        strict = open_image(data).tobytes()
    except ValueError as refusal:
        reason = str(refusal) or repr(refusal)
    assert "\n" not in reason, reason
    assert plain in (None, strict), reason
    if strict is None:
        return "refused" if error else "converted"
    assert error is None, error
    assert decoded.pixels.tobytes() == strict, decoded.notes
    return "read"


def check_files(folder: Path, samples: list[bytes], random: np.random.Generator) -> list[str]:
    """Read a made-up folder, and an archive of it that may be damaged, by both readers; how each ended."""
    tree, archive = folder / "tree", folder / f"archive{random.choice(ARCHIVES)}"
    for _ in range(random.integers(1, 12)):
        path = tree / str(random.choice(FOLDERS)) / str(random.choice(NAMES))
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(damage(samples[random.integers(len(samples))], random))
    if random.random() < 0.3:
        os.symlink("/nowhere/at/all", tree / f"link{random.integers(9)}.jpg")
    _pack(tree, archive)
    if random.random() < 0.7:
        archive.write_bytes(damage(archive.read_bytes(), random))
    return [
        end for path in (tree, archive) for end in (_end(_read, path), _end(_predict, path, folder / "list"))
    ]


def _pack(tree: Path, archive: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for path in sorted(tree.rglob("*")):
                if path.exists():
                    packed.write(path, os.fsencode(path.relative_to(tree)).decode("utf-8", "replace"))
    else:
        with tarfile.open(archive, {".tar": "w", ".gz": "w:gz", ".xz": "w:xz"}[archive.suffix]) as packed:
            packed.add(tree, ".")


def _end(read, path: Path, *arguments) -> str:
    try:
        read(path, *arguments)
    except DataError as error:
        first = str(error).split("\n")[0]
        assert str(path) in first, first
        return "refused"
    return "read"


def _read(path: Path) -> None:
    source = open_path(path)
    source.fingerprint()
    for name, data in source.files():
        name.encode()  # as every file of predictions must
        assert name.split("/")[0] in ("train", "test"), name
        assert isinstance(data, bytes)


def _predict(path: Path, target: Path) -> None:
    (source,) = open_images(str(path))
    _, total = list_files(source, target)
    if isinstance(source, Tar):
        tasks = [Task([name], None, [data]) for name, data in source.files()]
    else:
        tasks = [Task([name for name, _ in source.entries()], source)]
    decoded = [decode(task) for task in tasks]
    assert total in (None, sum(len(images.names) for images in decoded))
    assert not any("\n" in (error or "") for images in decoded for error in images.errors)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.fuzz")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # of files left out
    random, samples, ends = np.random.default_rng(given.seed), encode_samples(), Counter()
    deadline = time.monotonic() + given.seconds
    while time.monotonic() < deadline:
        for data in samples:
            ends[f"image {check_image(damage(data, random))}"] += 1
        for _ in range(20):
            with tempfile.TemporaryDirectory() as name:
                ends.update(f"files {end}" for end in check_files(Path(name), samples, random))
    print(
        f"{len(samples)} samples, seed {given.seed}: "
        + ", ".join(f"{n:,} {end}" for end, n in sorted(ends.items()))
    )


if __name__ == "__main__":
    main()
