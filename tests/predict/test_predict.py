"""Predicting as users do it: a folder of all that goes wrong, several inputs, options."""

import json
import os
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cifake.core.errors import CifakeError, ConfigError
from cifake.data import load
from cifake.predict import __main__ as predict
from cifake.predict.options import output_files, parse
from tests.support.project import REPOSITORY, launch


@pytest.fixture(scope="module")
def tests(tmp_path_factory):
    """The demo set's 1,000 test images as PNG files, in the order of predictions.parquet."""
    root = tmp_path_factory.mktemp("images") / "Test_1"
    root.mkdir()
    part = load("demo", "small").test
    for place, image in enumerate(part.images):
        Image.fromarray(image).save(root / f"{place:04d}.png")
    return root


@pytest.fixture(scope="module")
def odd(tests, tmp_path_factory):
    """Test image 7 under odd names, and files of which each needs something else."""
    root = tmp_path_factory.mktemp("odd") / "Test_2"
    root.mkdir()
    image = Image.open(tests / "0007.png")
    for name in ("a b.png", "a,b.png", 'a"b.png', "a\nb.png", "a\rb.png", "a\tb.png", "ä'b.png"):
        image.save(root / name)
    os.rename(root / "a b.png", os.fsencode(root) + b"/\xff b.png")
    image.save(root / "a b.png")
    image.convert("L").save(root / "grey.png")
    image.resize((4000, 3000)).save(root / "large.jpg")
    image.save(root / "moving.gif", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    (root / "broken.jpg").write_bytes((root / "large.jpg").read_bytes()[:5000])
    (root / "empty.jpg").touch()
    (root / "text.jpg").write_text("hello")
    return root


def logged_scores(finished):
    run, folder, _ = finished
    file = folder / "mlruns" / run.info.experiment_id / run.info.run_id / "artifacts/predictions.parquet"
    return pd.read_parquet(file)["score"].to_numpy()


def test_rows_of_everything_that_can_go_wrong(finished, finished_store, tests, odd, tmp_path, capsys):
    code = predict.main(["model=base", f"images={tests},{odd}", f"--output={tmp_path}", "prepare=none"])
    scores = logged_scores(finished)
    usual = pd.read_csv(tmp_path / "Test_1_results.csv")
    assert list(usual.columns) == ["path", "label", "probability", "threshold", "error", "note"]
    assert usual["path"].tolist() == [f"{place:04d}.png" for place in range(1000)]
    assert np.allclose(usual["probability"], scores, atol=1e-6)
    assert usual["label"].tolist() == np.where(usual["probability"] >= 0.5, "FAKE", "REAL").tolist()
    assert usual[["error", "note"]].isna().all(axis=None)
    rows = pd.read_csv(tmp_path / "Test_2_results.csv").set_index("path")
    assert rows.index.tolist() == [
        "a\tb.png", "a\nb.png", "a\rb.png", "a b.png", 'a"b.png', "a,b.png", "broken.jpg", "empty.jpg",
        "grey.png", "large.jpg", "moving.gif", "text.jpg", "ä'b.png", r"\xff b.png",
    ]  # fmt: skip
    copies = rows[rows.index.str.contains("b.png")]["probability"]
    assert np.allclose(copies, scores[7], atol=1e-6)
    assert len(copies) == 8
    assert rows["error"].dropna().str.partition(" (")[0].to_dict() == {
        "broken.jpg": "damaged image", "empty.jpg": "empty file", "text.jpg": "not an image"
    }  # fmt: skip
    assert rows["note"].dropna().to_dict() == {
        "grey.png": "L to RGB", "large.jpg": "cropped to a square; resized",
        "moving.gif": "first of several frames; P to RGB", r"\xff b.png": "name is not UTF-8",
    }  # fmt: skip
    assert rows.loc[["broken.jpg", "empty.jpg", "text.jpg"], ["label", "probability"]].isna().all(axis=None)
    output, messages = capsys.readouterr()
    assert code == 1
    fakes = (rows["label"] == "FAKE").sum()
    assert f"Test_2_results.csv: 14 images, {fakes} FAKE and {11 - fakes} REAL at 0.5" in output
    assert "warning: " + str(tmp_path / "Test_2_results.csv") in messages
    assert "made like CIFAKE's images: 1 L to RGB, 1 cropped to a square, 1 resized, 1 first" in messages
    assert "Test_2_results.csv: 3 cannot be used, their column 'error' says why" in messages
    assert not list(tmp_path.glob("*.parts"))


def test_csv_and_parquet_are_equal(finished, finished_store, odd, tmp_path):
    _, folder, _ = finished
    (model,) = folder.glob("mlruns/*/*/artifacts/export/model.h5")
    for suffix in ("csv", "parquet"):
        words = [f"model={model}", f"images={odd}", f"output={tmp_path}/odd.{suffix}", "threshold=0.9"]
        assert predict.main(words) == 1
    csv, parquet = pd.read_csv(tmp_path / "odd.csv"), pd.read_parquet(tmp_path / "odd.parquet")
    pd.testing.assert_frame_equal(csv.astype({"probability": "float32"}), parquet, check_dtype=False)
    assert parquet["probability"].dtype == np.float32
    assert (parquet["threshold"] == 0.9).all()
    with pytest.raises(CifakeError, match=r"odd\.csv is there already; force=true replaces it"):
        predict.main([*words[:2], f"output={tmp_path}/odd.csv"])
    assert predict.main([*words[:2], f"output={tmp_path}/odd.csv", "force=true"]) == 1
    assert (pd.read_csv(tmp_path / "odd.csv")["threshold"] == 0.5).all()


def test_shards_that_are_whole_are_joined_without_the_model(
    finished, finished_store, tests, tmp_path, monkeypatch
):
    words = ["model=base", f"images={tests}", f"output={tmp_path}/out.csv"]
    with monkeypatch.context() as patch:
        patch.setattr(
            "cifake.predict.shards.ShardedOutput.remove_shards", lambda output: None
        )  # as if killed before
        assert predict.main(words) == 0
    first = (tmp_path / "out.csv").read_bytes()
    (tmp_path / "out.csv").unlink()
    monkeypatch.setattr("cifake.tracking.resolved_model.ResolvedModel.load", None)
    assert predict.main(words) == 0
    assert (tmp_path / "out.csv").read_bytes() == first
    model = f"runs:/{finished[0].info.run_id}/model"
    about = {"model": model, "images": "other", "threshold": 0.5, "engine": "local"}
    (tmp_path / "new.csv.parts").mkdir()
    (tmp_path / "new.csv.parts/about.json").write_text(json.dumps(about))
    with pytest.raises(
        CifakeError, match="an unfinished prediction that differs in images, prepare, shard; force=true"
    ):
        predict.main([*words[:2], f"output={tmp_path}/new.csv"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["images=x"], "model: expected a value, received none"),
        (["model=base"], "images: expected a value, received none"),
        (["model=base", "image=x"], "unknown option 'image'; did you mean 'images'?"),
        (["model=base", "images=x", "threshold=1.5"], "expected less than or equal to 1, received '1.5'"),
        (["model=base", "images=x", "threshold=high"], "threshold: expected a valid number, received 'high'"),
        (["model=base", "images=x", "engine=spark"], "engine: expected 'local' or 'ray', received 'spark'"),
        (["model=base", "images=x", "force=1"], "force: expected true or false, received '1'"),
    ],
)  # fmt: skip
def test_options_are_checked(words, message):
    with pytest.raises(ConfigError) as caught:
        parse(words)
    assert message in str(caught.value)


def test_outputs_are_named_after_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse(["--model", "base", "--images=*.jpg"]).images == "*.jpg"
    assert [str(file) for file in output_files("{name}_results.csv", ["Test_1", "Test_2"])] == [
        "Test_1_results.csv", "Test_2_results.csv"
    ]  # fmt: skip
    assert [file.name for file in output_files(str(tmp_path), ["Test_1"])] == ["Test_1_results.csv"]
    with pytest.raises(ConfigError, match=r"expected a file for each of 2 inputs .* called a, b"):
        output_files("out.csv", ["a", "b"])
    with pytest.raises(
        ConfigError, match=r"expected a \.csv or \.parquet file, or a folder, received 'out.txt'"
    ):
        output_files("out.txt", ["a"])
    with pytest.raises(ConfigError, match="there is no folder no; make it first"):
        output_files("no/out.csv", ["a"])


def test_mistakes_end_before_tensorflow_is_loaded(tmp_path):
    check = (
        "import sys\nfrom cifake.core.errors import exit_code\nfrom cifake.predict.__main__ import main\n"
        "code = exit_code(lambda: main(sys.argv[1:]))\n"
        "sys.exit(code if 'tensorflow' not in sys.modules and 'mlflow' not in sys.modules else 99)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, "model=base", "images=nowhere"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr[:37]) == (2, "error: images: there is no nowhere; e")


def test_the_entry_point(finished, finished_store, tests, tmp_path):
    glob = f"{tests}/000[0-4].png"
    done = launch("-e", "predict", "-P", "model=base", "-P", f"images={glob}", "-P",
                  f"output={tmp_path}/five.csv", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "five.csv")) == 5
    (run,) = mlflow.search_runs(
        search_all_experiments=True, output_format="list", filter_string="tags.tool = 'predict'"
    )
    assert run.info.status == "FINISHED"
