"""What is read, in which order, as which pixels; and rows that outlive a kill."""

import io
import os
import re
import subprocess
import sys
import tarfile
import time
import zipfile

import numpy as np
import psutil
import pytest
from PIL import Image

from cifake.core.errors import DataError
from cifake.data.folder import read_folder
from cifake.data.image_files import Folder
from cifake.data.prepare import prepare
from cifake.predict import score_local as scoring
from cifake.predict.options import open_images
from cifake.predict.shards import ShardedOutput, make_rows
from cifake.predict.tasks import Task, decode
from tests.support.project import REPOSITORY

SQUARES = np.zeros((32, 32, 3), np.uint8)
SQUARES[:16, :16] = 200, 100, 50


def encode(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pixels_of(image, form="PNG", **options):
    """Corner and opposite corner of a prepared image, and what was done to it."""
    prepared, done = prepare(encode(image, form, **options), encode=False)
    assert (prepared.size, prepared.mode) == ((32, 32), "RGB")
    return prepared.getpixel((4, 4)), prepared.getpixel((28, 28)), done


def test_a_plain_image_is_not_touched():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    image, done = prepare(encode(Image.fromarray(noise)), encode=False)
    assert np.array_equal(np.asarray(image), noise)
    assert done == []


def test_images_of_every_kind_become_rgb():
    grey = Image.fromarray(SQUARES[:, :, 0])
    assert pixels_of(grey) == ((200, 200, 200), (0, 0, 0), ["L to RGB"])
    assert pixels_of(Image.fromarray(SQUARES).quantize(4)) == ((200, 100, 50), (0, 0, 0), ["P to RGB"])
    deep = Image.fromarray(SQUARES[:, :, 0].astype(np.uint16) * 257)
    assert pixels_of(deep) == ((200, 200, 200), (0, 0, 0), ["I;16 to RGB"])
    print_colours = Image.fromarray(SQUARES).convert("CMYK")
    assert pixels_of(print_colours, "TIFF") == ((200, 100, 50), (0, 0, 0), ["CMYK to RGB"])


def test_what_is_transparent_lies_on_white():
    clear = np.dstack([SQUARES, np.where(SQUARES[:, :, 0] > 0, 255, 0).astype(np.uint8)])
    assert pixels_of(Image.fromarray(clear)) == ((200, 100, 50), (255, 255, 255), ["transparency on white"])
    marked = pixels_of(Image.fromarray(SQUARES), transparency=(0, 0, 0))
    assert marked == ((200, 100, 50), (255, 255, 255), ["transparency on white"])


def test_other_sizes_are_cropped_to_the_middle_and_averaged():
    checks = np.indices((512, 512)).sum(axis=0) % 2 * 255
    image, done = prepare(encode(Image.fromarray(np.dstack([checks] * 3).astype(np.uint8))), encode=False)
    assert set(np.unique(image)) <= {127, 128}  # not aliased
    assert done == ["resized"]
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 80
    assert pixels_of(Image.fromarray(wide)) == (
        (80, 80, 80), (80, 80, 80), ["cropped to a square", "resized"]
    )  # fmt: skip
    assert pixels_of(Image.new("RGB", (8, 8), "red")) == ((255, 0, 0), (255, 0, 0), ["resized"])


def test_animations_give_their_first_frame_and_exif_turns():
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    red = pixels_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert red == ((255, 0, 0), (255, 0, 0), ["first of several frames", "P to RGB"])
    exif = Image.Exif()
    exif[0x0112] = 3  # by 180 degrees
    turned = pixels_of(Image.fromarray(SQUARES), exif=exif)
    assert turned == ((0, 0, 0), (200, 100, 50), ["turned as EXIF says"])


def test_predicting_and_explaining_read_the_same_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # by 90 degrees
    for form in ("png", "jpg", "webp"):
        Image.fromarray(SQUARES).save(tmp_path / f"a.{form}", exif=exif)
    explained, names = read_folder(tmp_path)
    predicted = decode(Task(names.tolist(), Folder(str(tmp_path))))
    assert np.array_equal(explained, predicted.pixels)
    assert predicted.notes == ["turned as EXIF says; encoded as CIFAKE's JPEG"] * 3


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"hello", "not an image"),
        (encode(Image.effect_noise((64, 64), 80), "JPEG")[:900], "damaged image"),
        (encode(Image.new("F", (32, 32)), "TIFF"), "expected whole numbers"),
        (encode(Image.new("1", (10_000, 10_000))), r"at most 89,478,485 pixels, received 10,000 x 10,000"),
        (encode(Image.new("1", (20_000, 10_000))), "^Image size .* could be decompression bomb"),
    ],
)
def test_what_cannot_be_used_says_why(data, reason):
    images = decode(Task(["photo"], None, [data]))
    assert re.search(reason, images.errors[0])
    assert not images.pixels.any()


def names(source):
    return [name for name, _ in source.entries()]


@pytest.fixture
def folder(tmp_path):
    """Images at several depths, and what is none; all files are of the same bytes."""
    root = tmp_path / "Test_1"
    for name in ("b.jpg", "a.PNG", "z/1.jpg", "z/deep/2.jpeg", "c/3.webp", ".hidden.jpg", "notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encode(Image.fromarray(SQUARES)))
    (root / "z/up").symlink_to(root)
    (root / "lost.jpg").symlink_to("nowhere")
    return root


IN_ORDER = ["a.PNG", "b.jpg", "lost.jpg", "c/3.webp", "z/1.jpg", "z/deep/2.jpeg"]


def test_a_folder_is_read_by_name_and_to_its_depth(folder):
    (source,) = open_images(str(folder))
    assert (source.name, names(source)) == ("Test_1", IN_ORDER)
    (link,) = [name for name, state in source.entries() if state == "unreadable"]
    assert decode(Task([link], source)).errors == ["cannot be read (No such file or directory)"]


def test_globs_and_single_files(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    deep, flat, single = open_images("Test_1/**/*.jp*g, Test_1/[ab].*,Test_1/b.jpg")
    assert names(deep)[:3] == ["Test_1/b.jpg", "Test_1/lost.jpg", "Test_1/z/1.jpg"]
    assert names(flat) == ["Test_1/a.PNG", "Test_1/b.jpg"]
    assert (deep.name, names(single)) == ("Test_1", ["Test_1/b.jpg"])
    (folder.parent / "a,b").mkdir()
    assert open_images("a,b") == [Folder(str(folder.parent / "a,b"))]  # a comma in a name that exists


def test_a_link_that_leads_nowhere_is_an_error_and_a_pipe_is_left_out(folder):
    os.mkfifo(folder / "d.jpg")
    for location in (folder, f"{folder}/*.jpg"):
        (source,) = open_images(str(location))
        decoded = decode(Task(names(source), source))
        errors = [
            (name[-8:], error) for name, error in zip(decoded.names, decoded.errors, strict=True) if error
        ]
        assert errors == [("lost.jpg", "cannot be read (No such file or directory)")]
        assert "d.jpg" in str(source.skipped)


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
def test_archives_are_read_in_their_order(folder, tmp_path, suffix):
    path = tmp_path / f"Test_2{suffix}"
    members = ["z/1.jpg", "b.jpg", "notes.txt", "__MACOSX/b.jpg", "a.PNG"]
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in members:
                archive.writestr(name, (folder / "b.jpg").read_bytes())
    else:
        with tarfile.open(path, f"w:{suffix[5:]}") as archive:
            for name in members:
                archive.add(folder / "b.jpg", name)
    (source,) = open_images(str(path))
    assert source.name == "Test_2"
    if suffix == ".zip":
        tasks = [Task(names(source), source, encode=False)]
    else:
        tasks = list(scoring._streamed(source, 0, encode=False))
        assert [task.names for task in scoring._streamed(source, 2)] == [["a.PNG"]]
    (images,) = map(decode, tasks)
    assert images.names == ["z/1.jpg", "b.jpg", "a.PNG"]
    assert images.errors == [None] * 3
    assert np.array_equal(images.pixels, [SQUARES] * 3)


def test_what_is_left_out_of_a_prediction_is_counted(folder):
    (folder / "photo.heic").touch()
    (folder / "new.jfif").write_bytes(encode(Image.fromarray(SQUARES), "JPEG"))
    (source,) = open_images(str(folder))
    assert "new.jfif" in names(source)
    assert str(source.skipped) == "2 file(s) left out: notes.txt, photo.heic"


def test_an_encrypted_zip_is_refused_before_anything_is_predicted(tmp_path):
    path = tmp_path / "locked.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"x")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    (source,) = open_images(str(path))
    with pytest.raises(DataError, match=r"locked\.zip: the archive is encrypted; pack it without a password"):
        scoring.list_files(source, tmp_path / "files.parquet")


def test_a_damaged_member_of_a_zip_is_an_error_of_its_own(folder, tmp_path):
    path = tmp_path / "flawed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.png", "b.png"):
            archive.writestr(name, (folder / "b.jpg").read_bytes())
    data = path.read_bytes()
    path.write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])
    (source,) = open_images(str(path))
    first, second = decode(Task(names(source), source)).errors
    assert first.startswith("damaged image (Bad CRC-32")
    assert second is None


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"images: there is no nowhere; expected folders, archives \(.zip"):
        open_images("nowhere")
    with pytest.raises(DataError, match="no image files, whose names end in"):
        scoring.list_files(Folder(str(tmp_path)), tmp_path / "files.parquet")


def test_a_score_that_is_no_number_is_an_error(folder):
    images = decode(Task(["a.PNG", "b.jpg", "lost.jpg"], Folder(str(folder))))
    rows = make_rows(images, np.array([0.7, np.nan, 0.7], np.float32), 0.7).to_pylist()
    assert [row["label"] for row in rows] == ["FAKE", None, None]
    assert [row["probability"] is None for row in rows] == [False, True, True]
    assert rows[1]["error"] == "the model gave no number"


def red(pixels):
    return np.float32(pixels[:, 0, 0, 0] / 255)


# Scores are the brightness of one pixel; every step takes a while.
KILLED = """import sys, time
from pathlib import Path
from cifake.predict import score_local as scoring
from cifake.data.image_files import Folder
from cifake.predict.shards import ShardedOutput
def main():
    scoring.BATCH, scoring.SHARD = 5, 10
    output, source = ShardedOutput(Path("out.csv")), Folder("many")
    with output.locked(False):
        scoring.list_files(source, output.files)
        def predict(pixels):
            time.sleep(0.2)
            return pixels[:, 0, 0, 0] / 255
        with scoring.decoders() as pool:
            for _ in scoring.score(source, output, predict, 0.5, pool, encode=False):
                pass
if __name__ == "__main__":
    main()
"""


def test_a_killed_prediction_resumes_without_double_or_missing_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("many")
    for shade in range(48):
        Image.new("RGB", (32, 32), (shade, 0, 0)).save(f"many/{shade:02d}.png")
    (tmp_path / "killed.py").write_text(KILLED)
    process = psutil.Popen([sys.executable, "killed.py"], env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
    output = ShardedOutput(tmp_path / "out.csv")
    while len(output.shards()) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    with pytest.raises(DataError, match=r"another process is making .*out\.csv at this moment"):
        output.locked(False).__enter__()
    children = process.children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    monkeypatch.setattr(scoring, "BATCH", 5)
    monkeypatch.setattr(scoring, "SHARD", 10)
    before = output.rows()
    assert before in (20, 30, 40)
    with scoring.decoders() as pool:
        steps = scoring.score(Folder("many"), output, red, 0.05, pool, encode=False)
        assert sum(steps) == 48 - before
    counts = output.join()
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [f'"{shade:02d}.png"' for shade in range(48)]
    assert lines[48] == '"47.png","FAKE",0.18431373,0.05,,'
    assert counts["FAKE"] + counts["REAL"] == 48
    output.remove_shards()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".out.csv.lock",
        "killed.py",
        "many",
        "out.csv",
    ]


def test_shards_of_another_prediction_are_not_mixed_in(tmp_path):
    output = ShardedOutput(tmp_path / "out.csv")
    with output.locked(False):
        output.keep_or_clear({"model": "a", "images": "x"}, force=False)
        images = decode(Task(["empty.png"], None, [b""]))
        output.write(0, [make_rows(images, np.zeros(1, np.float32), 0.5)])
        output.keep_or_clear({"model": "a", "images": "x"}, force=False)
        assert len(output.shards()) == 1
        with pytest.raises(DataError, match="an unfinished prediction that differs in model; force=true"):
            output.keep_or_clear({"model": "b", "images": "x"}, force=False)
        output.keep_or_clear({"model": "b", "images": "x"}, force=True)
        assert output.shards() == []
    assert not output.folder.exists()


OTHER_PROCESS = """import sys
from pathlib import Path
from cifake.core.errors import exit_code
from cifake.predict.shards import ShardedOutput
def main():
    with ShardedOutput(Path(sys.argv[1])).locked(True):
        pass
sys.exit(exit_code(main))
"""


def test_the_lock_outlives_the_folder_of_shards(tmp_path):
    output = ShardedOutput(tmp_path / "out.csv")
    command = [sys.executable, "-c", OTHER_PROCESS, str(output.output)]
    with output.locked(False):
        output.remove_shards()  # as at the end of a prediction, while its lock is still held
        other = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert (other.returncode, other.stderr) == (
            2, f"error: another process is making {output.output} at this moment\n"
        )  # fmt: skip
    other = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (other.returncode, other.stderr) == (0, "")


def test_an_output_that_exists_is_refused_without_force(tmp_path):
    output = ShardedOutput(tmp_path / "out.csv")
    output.output.touch()
    with pytest.raises(DataError, match=r"out\.csv is there already; force=true replaces it"):
        output.locked(False).__enter__()
    with output.locked(True):
        pass
