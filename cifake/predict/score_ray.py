"""Score on a Ray cluster: tasks decode, a pool of actors scores and writes shards."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

import cifake
from cifake.core.errors import DataError
from cifake.data.archives import Tar
from cifake.data.image_files import ImageFiles, Listed
from cifake.predict.score_local import read_list
from cifake.predict.shards import ShardedOutput, make_rows
from cifake.predict.tasks import Decoded, Task, decode

if TYPE_CHECKING:
    import keras


def check_shareable(source: ImageFiles) -> None:
    """Raise a DataError for a tar archive, which several machines cannot read at the same time."""
    if isinstance(source, Tar):
        raise DataError(
            f"{source.location}: a tar archive can only be read from its start, by one machine; expected a "
            "folder, a glob or a .zip for engine=ray"
        )


def score_on_cluster(
    source: ImageFiles, output: ShardedOutput, model: "keras.Model", threshold: float, encode: bool = True
) -> Iterator[int]:
    """Write the missing shards as ``score`` does, in any order; the model is saved beside them.

    Machines are those of RAY_ADDRESS, or else this one. They need the packages of this project, not its code,
    and see the images and the output's folder under the same path.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns about what Ray Data itself does
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_items

    if not ray.is_initialized():
        package = str(Path(cifake.__file__).parent)
        ray.init(
            runtime_env={"py_modules": [package]}, include_dashboard=False, log_to_driver=False,
            logging_level=logging.ERROR,
        )  # fmt: skip
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    DataContext.get_current().enable_progress_bars = False
    gpus = int(ray.cluster_resources().get("GPU", 0))
    actors = gpus or max(1, int(ray.cluster_resources()["CPU"]) // 2)
    output = ShardedOutput(output.output.resolve())
    missing = [
        {"shard": number}
        for number in range(pq.ParquetFile(output.files).num_row_groups)
        if not output.shard(number).exists()
    ]
    file = output.folder / "model.keras"
    model.save(file)
    images = from_items(missing, override_num_blocks=len(missing)).map(
        _decode_shard,
        fn_args=(source, output.files, encode),
        max_retries=3,  # Ray's own default, but other arguments keep it from running both steps in one actor
    )
    done = images.map(
        _Scorer,
        fn_constructor_args=(file, output, threshold),
        compute=ActorPoolStrategy(min_size=1, max_size=actors),
        num_gpus=1 if gpus else None,
    )
    for row in done.iter_rows():
        yield row["images"]


def _decode_shard(row: dict[str, Any], source: Listed, files: Path, encode: bool) -> dict[str, Any]:
    images = decode(Task(read_list(files, row["shard"]), source, encode=encode))
    return {**row, "images": images}


class _Scorer:
    """An actor that loads the model once, then scores shards and writes them."""

    def __init__(self, model: Path, output: ShardedOutput, threshold: float) -> None:
        import keras

        from cifake.models.keras_configuration import configure_keras

        configure_keras()
        self.model = keras.saving.load_model(model, compile=False)
        self.output, self.threshold = output, threshold

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        from cifake.evaluation.scoring import predict

        images: Decoded = row["images"]
        rows = make_rows(images, predict(self.model, np.asarray(images.pixels)), self.threshold)
        self.output.write(row["shard"], [rows])
        return {"images": len(rows)}
