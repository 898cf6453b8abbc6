"""Show where in an image a trained model finds its evidence: python -m cifake.explain run=base."""

import contextlib
import hashlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cifake.core.errors import ConfigError, RunError, exit_code
from cifake.core.files import make_folder
from cifake.core.native_output import native_output_logged
from cifake.data.folder import read_folder
from cifake.explain.options import Options, parse
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run

if TYPE_CHECKING:
    import numpy as np

    from cifake.tracking.resolved_model import ResolvedModel


@native_output_logged()
def main(argv: list[str]) -> None:
    """Explain a model's predictions; options and data are checked before TensorFlow is imported."""
    with mlflow_project_run("explain"):
        options = parse(argv)
        from cifake.tracking.resolved_model import find_model

        resolved = find_model(options.run, options)
        if not resolved.run and not options.output:
            raise ConfigError("output: expected a folder, since a model file has no run to keep the results")
        if options.output:
            make_folder(options.output)  # or say why not, before the work
        elif resolved.run:
            from cifake.tracking.permissions import expect_writable

            expect_writable(resolved.run.info.run_id)
        name_project_run(f"explain {resolved.name}")
        if options.images:
            images, paths = read_folder(options.images)
            digest = hashlib.sha256("\n".join(paths).encode() + images.tobytes()).hexdigest()[:16]
            tags = resolved.run.data.tags if resolved.run and not options.output else {}
            if tags.get(options.artifact_path, digest) != digest:
                raise RunError(
                    f"{resolved.name} has {options.artifact_path}/ of other images; give another name="
                )
            explain(options, resolved, images, {"paths": paths}, digest)
        else:
            test = resolved.load_test_part()
            metadata = {"paths": test.paths, "labels": test.labels}
            if test.objects.any():
                metadata["objects"] = test.objects
            explain(options, resolved, test.images, metadata)


def explain(
    options: Options,
    resolved: "ResolvedModel",
    images: "np.ndarray",
    metadata: "Mapping[str, np.ndarray]",
    digest: str = "",
) -> None:
    """Compute the maps and the control with random weights, write them and print a summary.

    Args:
        options: the layer, the method and the output folder.
        resolved: the model.
        images: uint8 [n, 32, 32, 3].
        metadata: their ``paths`` and, where known, ``labels`` and ``objects``; str or int [n].
        digest: of images that are not the test part.
    """
    import keras

    from cifake.explain import summary
    from cifake.explain.examples import Explained
    from cifake.explain.gradcam import GradCam

    model = resolved.load()
    keras.utils.set_random_seed(0)  # for the models with random weights
    cam = GradCam(model, options.layer, options.method)
    evidence, scores = cam(images)
    explained = Explained(images=images, evidence=evidence, scores=scores, **metadata)
    control = summary.control(model, cam, explained)
    with contextlib.ExitStack() as stack:
        folder = options.output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        metrics = summary.write(explained, control, cam.layer, folder, resolved.title)
        how = f"{cam.method} of {cam.layer}"
        tags = {options.artifact_path: digest} if digest else {"explained_by": how}
        # The run's metrics are those of its test images.
        location = _log(options, resolved, folder, {} if digest else metrics, tags)
    print(f"{resolved.name}: {len(images):,} images, {cam.method} of layer {cam.layer}")
    print(f"{summary.describe(metrics)}\nfigures and arrays are in {location}")


def _log(
    options: Options,
    resolved: "ResolvedModel",
    folder: Path,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> str:
    """Add the results to the model's run, unless an output folder is given; where they are."""
    if not resolved.run or options.output:
        return str(options.output)
    from cifake.tracking.tool_runs import add_to_run

    add_to_run(resolved.run.info.run_id, folder, options.artifact_path, metrics, tags)
    return f"the artifacts of run {resolved.run.info.run_id}, {options.artifact_path}/"


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
