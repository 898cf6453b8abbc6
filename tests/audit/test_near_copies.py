"""Near-copies are found where they were planted, and nowhere else."""

import csv
import io
import json
import re

import mlflow
import numpy as np
import pytest
from PIL import Image

from benchmarks.reliability.near_copies import measure
from cifake.audit.__main__ import main
from cifake.audit.near_copies import find_near_copies, similarities
from cifake.contract import LABELS
from cifake.core.errors import CifakeError


@pytest.fixture(scope="module")
def images():
    """Sixty images of smooth random shapes, no two of them alike."""
    small = np.random.default_rng(0).integers(0, 256, (60, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((32, 32), Image.BICUBIC)) for image in small])


def encoded(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "jpeg", quality=50)
    return np.asarray(Image.open(buffer))


PLANTED = {
    "shifted": lambda image: np.roll(image, 1, axis=1),
    "re-encoded": encoded,
    "mirrored": lambda image: image[:, ::-1],
    "brighter": lambda image: np.clip(image * 1.2, 0, 255).astype(np.uint8),
    "less contrast": lambda image: (128 + 0.6 * (image - 128.0)).astype(np.uint8),
}


def test_planted_copies_are_found_and_no_others(images):
    planted = np.stack([change(images[place]) for place, change in enumerate(PLANTED.values())])
    found = find_near_copies(np.concatenate([images, planted]))
    pairs = sorted(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == [(place, len(images) + place) for place in range(len(PLANTED))]
    assert found.similarity.min() >= 0.95
    assert np.all(np.diff(found.similarity) <= 0)


def test_the_similarity_is_the_correlation_at_the_best_shift(images):
    first, second = images[:1], np.roll(images[:1], (2, -1), axis=(1, 2))
    assert similarities(first, second)[0] == pytest.approx(1)
    a, b = images[0][2:30, 2:30].ravel(), images[1][2:30, 2:30].ravel()
    assert similarities(images[:1], images[1:2])[0] >= np.corrcoef(a, b)[0, 1] - 1e-6
    assert similarities(images[:1], np.zeros_like(images[:1]))[0] == 0


def test_one_image_has_no_copies(images):
    assert len(find_near_copies(images[:1]).first) == 0


@pytest.fixture
def planted(images, tmp_path, monkeypatch):
    """A data set without likenesses, but for a shifted, a brighter, a mirrored and a byte-identical copy."""
    names = [
        f"{part}/{label}/{number}.png"
        for part in ("train", "test")
        for label in LABELS
        for number in range(15)
    ]
    pixels = dict(zip(names, images, strict=True))
    pixels["test/REAL/shifted.png"] = PLANTED["shifted"](pixels["train/REAL/0.png"])
    pixels["train/FAKE/brighter.png"] = PLANTED["brighter"](pixels["train/FAKE/1.png"])
    pixels["test/FAKE/mirrored.png"] = pixels["train/REAL/2.png"][:, ::-1]
    pixels["train/FAKE/same.png"] = pixels["train/FAKE/3.png"]
    for name, image in pixels.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    monkeypatch.setenv("CIFAKE_DATA", str(tmp_path / "data"))
    return tmp_path / "audit.json"


def listed(output):
    with output.with_name("audit_near_copies.csv").open() as file:
        return [
            (row["first"], row["first_label"], row["second"], row["second_label"])
            for row in csv.DictReader(file)
        ]


def test_the_audit_counts_lists_and_shows_near_copies_without_identical_ones(planted, capsys):
    assert main(["near=true", f"output={planted}"]) == 0
    assert json.loads(planted.read_text())["near_copies"] == {
        "similarity": 0.95,
        "pairs": {
            "within_train": {"REAL": 0, "FAKE": 1, "across_labels": 0},
            "within_test": {"REAL": 0, "FAKE": 0, "across_labels": 0},
            "across_train_and_test": {"REAL": 1, "FAKE": 0, "across_labels": 1},
        },
        "test_images_with_a_near_copy_in_training": {"REAL": 1, "FAKE": 0},
    }
    assert {frozenset(row) for row in listed(planted)} == {
        frozenset(("train/REAL/0.png", "REAL", "test/REAL/shifted.png")),
        frozenset(("train/FAKE/1.png", "FAKE", "train/FAKE/brighter.png")),
        frozenset(("train/REAL/2.png", "REAL", "test/FAKE/mirrored.png", "FAKE")),
    }
    assert Image.open(planted.with_name("audit_near_copies.png")).width == 1100
    printed = " ".join(capsys.readouterr().out.split())
    assert "test images with a near-copy among training or validation images: 1 REAL, 0 FAKE" in printed


def test_without_near_copies_there_is_no_picture_and_an_empty_list(planted):
    assert main(["near=true", "similarity=1", f"output={planted}"]) == 0
    for name in ("test/REAL/shifted", "train/FAKE/brighter", "test/FAKE/mirrored"):
        (planted.parent / "data" / f"{name}.png").unlink()
    assert main(["near=true", f"output={planted}"]) == 0
    assert listed(planted) == []
    assert not planted.with_name("audit_near_copies.png").exists()


def test_near_copies_are_not_looked_for_while_files_cannot_be_used(planted, capsys):
    (planted.parent / "data/test/REAL/broken.png").write_bytes(b"no image")
    assert main(["near=true", f"output={planted}"]) == 1
    assert "near-copies were not looked for, since files cannot be used" in capsys.readouterr().err
    assert json.loads(planted.read_text())["near_copies"] is None


def test_the_project_run_keeps_the_files(planted, store, monkeypatch):
    client = mlflow.MlflowClient()
    run = client.create_run(mlflow.get_experiment_by_name("cifake").experiment_id)
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    main(["near=true", f"output={planted}"])
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [
        "audit.json", "audit_near_copies.csv", "audit_near_copies.png"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["near=true", "similarity=0.5"],
            "similarity: expected greater than or equal to 0.9, received '0.5'",
        ),
        (["near=true", "similarity=1.1"], "similarity: expected less than or equal to 1, received '1.1'"),
        (["near=true", "similarity=high"], "similarity: expected a valid number, received 'high'"),
        (["similarity=0.95"], "similarity: applies to near-copies only; add near=true"),
        (["near=maybe"], "near: expected true or false, received 'maybe'"),
    ],
)
def test_what_the_audit_refuses(words, message):
    with pytest.raises(CifakeError, match=f"^{re.escape(message)}"):
        main(words)


def test_a_list_that_cannot_be_written_is_told_before_anything_is_read(planted):
    planted.with_name("audit_near_copies.csv").mkdir()
    with pytest.raises(CifakeError, match=r"expected a file, .*audit_near_copies\.csv is a folder"):
        main(["near=true", f"output={planted}"])


def test_the_benchmark_finds_what_it_planted(images):
    labels = np.arange(len(images)) % 2
    found, across, same = measure(images, labels, 5)
    assert found["mirrored"] == found["contrast x 0.7"] == [1.0] * 6
    assert found["shifted by 2 pixels"] == [0.0] * 6  # these shapes are too small for the thumbnails
    assert found["rotated by 5 degrees"][-1] < 1
    assert (across, same) == ([0] * 6, [0] * 6)
