"""The Ray engine on this machine, against the local one."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cifake.core.errors import CifakeError, ConfigError
from cifake.predict import __main__ as predict
from cifake.predict import score_local as scoring
from cifake.predict.options import parse
from cifake.predict.shards import ShardedOutput


@pytest.fixture(autouse=True)
def _log_level(monkeypatch):
    """Scoring sets it for the whole process; other tests must not see it."""
    monkeypatch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Sixty noisy images, one that is broken and one that is larger; lists have 25 images a shard."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scoring, "SHARD", 25)
    random = np.random.default_rng(0)
    root = tmp_path / "images"
    root.mkdir()
    for place in range(60):
        pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{place:02d}.png")
    (root / "60.png").write_bytes(b"broken")
    Image.new("RGB", (64, 64), "red").save(root / "61.png")
    return root


def test_the_rows_are_those_of_the_local_engine_and_whole_shards_are_kept(folder, finished, finished_store):
    ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
    (model,) = finished[1].glob("mlruns/*/*/artifacts/export/model.h5")
    words = [f"model={model}", "images=images/*.png"]
    assert predict.main([*words, "output=local.parquet"]) == 1
    expected = pd.read_parquet("local.parquet")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ShardedOutput, "join", lambda output: 1 / 0)  # stopped before the end
            with pytest.raises(ZeroDivisionError):
                predict.main([*words, "output=spread.parquet", "engine=ray"])
        first, second, third = ShardedOutput(folder.parent / "spread.parquet").shards()
        second.unlink()
        times = [shard.stat().st_mtime_ns for shard in (first, third)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ShardedOutput, "remove_shards", lambda output: None)
            assert predict.main([*words, "output=spread.parquet", "engine=ray"]) == 1
        assert [shard.stat().st_mtime_ns for shard in (first, third)] == times
    finally:
        ray.shutdown()
    received = pd.read_parquet("spread.parquet")
    pd.testing.assert_frame_equal(received, expected, rtol=0, atol=1e-6)
    assert received["path"].tolist() == [f"images/{place:02d}.png" for place in range(62)]


def test_a_tar_archive_and_a_missing_ray_end_in_one_line(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="the extra `cluster` is not installed")
    (tmp_path / "photos.tar").touch()
    words = ["model=base", f"images={tmp_path}/photos.tar", "engine=ray"]
    with pytest.raises(CifakeError, match="a tar archive can only be read from its start, by one machine"):
        predict.main(words)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"ray is not installed here; pip install '\.\[cluster\]'"):
        parse(words)
