import itertools
import json

import mlflow
import numpy as np
import pytest
from PIL import Image

from cifake.audit.__main__ import main
from cifake.audit.contents import audit
from cifake.core.errors import CifakeError
from cifake.data.find import open_path
from tests.support.data_sets import write_tree
from tests.support.project import launch


@pytest.fixture
def flawed(tree, demo_files):
    """The tiny tree with copies of every kind and one broken file."""
    names = sorted(demo_files)
    first = {
        part: demo_files[next(n for n in names if n.startswith(part))] for part in ("train/REAL", "test/FAKE")
    }
    return write_tree(
        tree,
        {
            "train/REAL/9000.jpg": first["train/REAL"],
            "train/FAKE/9000.jpg": first["train/REAL"],
            "train/FAKE/9001 (2).jpg": first["test/FAKE"],
            "test/FAKE/9000.jpg": first["test/FAKE"],
            "test/REAL/9002.jpg": b"no image",
        },
    )


def test_counts_copies_tables_and_unusable_files(flawed):
    found = audit(open_path(flawed))
    assert found.files == 125
    assert found.counts["train"] == {
        "FAKE": {"airplane": 21, "automobile": 21},
        "REAL": {"airplane": 21, "automobile": 20},
    }
    assert {where: len(groups) for where, groups in found.copies.items()} == {
        "within_train": 1, "within_test": 0, "across_train_and_test": 1, "across_labels": 1
    }  # fmt: skip
    assert found.copies["across_labels"] == [
        ["train/FAKE/9000.jpg", "train/REAL/0000.jpg", "train/REAL/9000.jpg"]
    ]
    assert found.copies["across_train_and_test"] == [
        ["test/FAKE/0001.jpg", "test/FAKE/9000.jpg", "train/FAKE/9001 (2).jpg"]
    ]
    assert found.unusable == [("test/REAL/9002.jpg", "not an image")]
    assert found.parts == {}
    assert [row["files"] for row in found.jpeg_tables["REAL"]] == [61]
    assert found.jpeg_tables["REAL"][0]["tables"].startswith("{0: [8, 6, 5, 8, 12, 20, 26, 31,")


def test_the_command_prints_and_writes_json(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    main(["--output", str(tmp_path / "audit.json")])
    written = json.loads((tmp_path / "audit.json").read_text())
    assert written["parts"] == {
        "train": {"REAL": 32, "FAKE": 32},
        "validation": {"REAL": 8, "FAKE": 8},
        "test": {"REAL": 20, "FAKE": 20},
    }
    printed = capsys.readouterr().out
    assert "120 files" in printed
    assert "files that cannot be used: 0" in printed


def test_a_name_is_printed_as_it_is_and_other_files_than_jpeg_have_no_tables(tmp_path, monkeypatch, capsys):
    root = tmp_path / "photos [bold] [/v2]"
    for part, label in itertools.product(("train", "test"), ("REAL", "FAKE")):
        (root / part / label).mkdir(parents=True)
        for place in range(8):
            pixels = np.full((32, 32, 3), hash((part, label, place)) % 200, np.uint8)
            Image.fromarray(pixels).save(root / part / label / f"{place}.png")
    monkeypatch.setenv("CIFAKE_DATA", str(root))
    main(["--output", str(tmp_path / "audit.json")])
    printed = capsys.readouterr().out
    assert "photos[bold][/v2]:32files" in "".join(printed.split())
    assert "REAL: 16 files are not JPEG files" in printed
    assert "quantisation tables" not in printed


def test_a_name_for_the_images_asks_for_others_than_cifake(monkeypatch, tmp_path):
    monkeypatch.delenv("CIFAKE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CifakeError, match="dataset=other: expected CIFAKE_DATA to name a folder"):
        main(["dataset_name=photos", f"output={tmp_path / 'audit.json'}"])
    with pytest.raises(CifakeError, match="dataset_name: expected letters, digits,"):
        main(["dataset_name=my photos"])


def test_an_output_that_cannot_be_a_file_is_named_before_anything_is_read(tmp_path):
    with pytest.raises(CifakeError, match="output: there is no folder"):
        main(["--output", str(tmp_path / "no/where.json")])
    with pytest.raises(CifakeError, match=f"output: expected a file, {tmp_path} is a folder"):
        main(["--output", str(tmp_path)])


def test_data_that_cannot_be_trained_on_ends_with_1(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    assert main(["--output", str(tmp_path / "audit.json")]) == 0
    for path in (tree / "train/REAL").iterdir():  # copies of test images are left out of training
        path.write_bytes((tree / "test/FAKE/0001.jpg").read_bytes())
    assert main(["--output", str(tmp_path / "audit.json")]) == 1
    reason = "received no REAL images in the train part"
    assert f"{tree} cannot be trained on: expected REAL and FAKE images in every part, {reason}" in (
        capsys.readouterr().err
    )
    (tree / "test/REAL/9002.jpg").write_bytes(b"no image")
    assert main(["--output", str(tmp_path / "audit.json")]) == 1
    assert f"{tree} cannot be trained on: 1 file(s) cannot be used" in capsys.readouterr().err


def test_mlflow_run_that_fails_leaves_the_reason_and_the_name_of_the_tool(store, tmp_path):
    missing = tmp_path / "no" / "where.json"
    done = launch("-e", "audit", "--experiment-name", "cifake", "-P", f"output={missing}", cwd=tmp_path)
    assert done.returncode != 0
    (run,) = mlflow.search_runs(experiment_names=["cifake"], output_format="list")
    assert (run.info.status, run.info.run_name) == ("FAILED", "audit")
    assert run.data.tags["failure"].startswith("ConfigError: output: there is no folder")
