"""Show where a trained model finds its evidence: python -m cifake.explain run=base."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cifake.core.errors import ConfigError, exit_code
from cifake.data.folder import read_folder
from cifake.explain.options import Options, parse
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run

if TYPE_CHECKING:
    import numpy as np

    from cifake.tracking.resolved_model import ResolvedModel


def main(argv: list[str]) -> None:
    """Explain the calls of a trained model; arguments and data are checked before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with mlflow_project_run("explain"):
        options = parse(argv)
        from cifake.tracking.resolved_model import find_model

        found = find_model(options.run)
        if not found.run and not options.output:
            raise ConfigError("output: expected a folder, since a model file has no run to keep the results")
        name_project_run(f"explain {found.name}")
        if options.images:
            images, paths = read_folder(options.images)
            explain(options, found, images, {"paths": paths})
        else:
            test = found.load_data().test
            about = {"paths": test.paths, "labels": test.labels, "objects": test.objects}
            explain(options, found, test.images, about)


def explain(
    options: Options, found: "ResolvedModel", images: "np.ndarray", about: "Mapping[str, np.ndarray]"
) -> None:
    """Make the maps and the control, write them, and print what they say.

    Args:
        options: which layer, and where to.
        found: the model.
        images: uint8 [n, 32, 32, 3].
        about: their ``paths`` and, where they are known, ``labels`` and ``objects``.
    """
    import keras

    from cifake.explain import summary
    from cifake.explain.examples import Explained
    from cifake.explain.gradcam import GradCam

    model = found.load()
    keras.utils.set_random_seed(0)  # of the models with random weights
    cam = GradCam(model, options.layer, options.method)
    evidence, scores = cam(images)
    explained = Explained(images=images, evidence=evidence, scores=scores, **about)
    control = summary.control(model, cam, explained)
    with _folder(options.output) as folder:
        metrics = summary.write(explained, control, cam.layer, folder)
        where = _log(options, found, folder, metrics, f"{cam.method} of {cam.layer}")
    print(f"{found.name}: {len(images):,} images, {cam.method} of layer {cam.layer}")
    print(f"{summary.describe(metrics)}\nfigures and arrays are in {where}")


@contextlib.contextmanager
def _folder(output: Path | None) -> Iterator[Path]:
    """The folder that was asked for, or one that is gone afterwards."""
    if output:
        output.mkdir(parents=True, exist_ok=True)
        yield output
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


def _log(
    options: Options, found: "ResolvedModel", folder: Path, metrics: Mapping[str, float], how: str
) -> str:
    """Add what was found to the model's run, unless a folder was asked for; where it went."""
    if not found.run or options.output:
        return str(options.output)
    from cifake.tracking.tool_runs import add_to_run

    where, tags = "explanation", {"explained_by": how}
    if options.images:  # the run's metrics are those of its test images
        where, metrics, tags = f"explanation/{options.images.resolve().name}", {}, {}
    add_to_run(found.run.info.run_id, folder, where, metrics, tags)
    return f"the artifacts of run {found.run.info.run_id}, {where}/"


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
