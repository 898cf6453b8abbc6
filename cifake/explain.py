"""Show where a trained model finds its evidence: python -m cifake.explain run=base."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from cifake.config import CommandOptions, check_options, help_or_words, split_words
from cifake.data.folder import read_folder
from cifake.errors import ConfigError, exit_code
from cifake.launched import launched_run

if TYPE_CHECKING:
    import numpy as np

    from cifake.tracking import Found


class Options(CommandOptions):
    """What was asked for."""

    run: str = Field(
        min_length=1,
        description="a run id, a variant (its newest finished run), models:/<name>@<alias>, "
        "models:/<name>/<version> or a .keras or .h5 file",
    )
    layer: str | None = Field(None, description="whose maps are used (default: the last convolution)")
    method: Literal["grad_cam", "hires_cam"] = Field(
        "grad_cam", description="grad_cam, or hires_cam: gradients are not averaged over a map"
    )
    images: Path | None = Field(
        None, description="a folder of 32x32 RGB images to explain (default: the test images of the run)"
    )
    output: Path | None = Field(
        None, description="a folder for the files (default: the run's artifacts; a model file needs it)"
    )

    @field_validator("images", "output")
    @classmethod
    def _at_home(cls, folder: Path | None) -> Path | None:
        return folder and folder.expanduser()


def main(words: list[str]) -> None:
    """Explain the calls of a trained model; arguments and data are checked before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with launched_run("explain"):
        options = parse(words)
        from cifake import tracking

        found = tracking.find_model(options.run)
        if not found.run and not options.output:
            raise ConfigError("output: expected a folder, since a model file has no run to keep the results")
        if options.images:
            images, paths = read_folder(options.images)
            explain(options, found, images, {"paths": paths})
        else:
            test = found.load_data().test
            about = {"paths": test.paths, "labels": test.labels, "objects": test.objects}
            explain(options, found, test.images, about)


def parse(words: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an unknown option, or no run.
    """
    about = "Show where a trained model finds its evidence: Grad-CAM of images, and of all on average."
    rest = help_or_words(Options, words, prog="python -m cifake.explain", about=about)
    return check_options(Options, split_words(rest))


def explain(
    options: Options, found: "Found", images: "np.ndarray", about: "Mapping[str, np.ndarray]"
) -> None:
    """Make the maps and the control, write them, and print what they say.

    Args:
        options: which layer, and where to.
        found: the model.
        images: uint8 [n, 32, 32, 3].
        about: their ``paths`` and, where they are known, ``labels`` and ``objects``.
    """
    import keras

    from cifake.evaluation.explanation import report
    from cifake.evaluation.explanation.examples import Explained
    from cifake.evaluation.explanation.gradcam import GradCam

    model = found.load()
    keras.utils.set_random_seed(0)  # of the models with random weights
    cam = GradCam(model, options.layer, options.method)
    evidence, scores = cam(images)
    explained = Explained(images=images, evidence=evidence, scores=scores, **about)
    control = report.control(model, cam, explained)
    with _folder(options.output) as folder:
        metrics = report.write(explained, control, cam.layer, folder)
        where = _log(options, found, folder, metrics, f"{cam.method} of {cam.layer}")
    print(f"{found.name}: {len(images):,} images, {cam.method} of layer {cam.layer}")
    print(f"{report.describe(metrics)}\nfigures and arrays are in {where}")


@contextlib.contextmanager
def _folder(output: Path | None) -> Iterator[Path]:
    """The folder that was asked for, or one that is gone afterwards."""
    if output:
        output.mkdir(parents=True, exist_ok=True)
        yield output
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


def _log(options: Options, found: "Found", folder: Path, metrics: Mapping[str, float], how: str) -> str:
    """Add what was found to the model's run, unless a folder was asked for; where it went."""
    if not found.run or options.output:
        return str(options.output)
    from cifake import tracking

    where, tags = "explanation", {"explained_by": how}
    if options.images:  # the run's metrics are those of its test images
        where, metrics, tags = f"explanation/{options.images.resolve().name}", {}, {}
    tracking.add_to_run(found.run.info.run_id, folder, where, metrics, tags)
    return f"the artifacts of run {found.run.info.run_id}, {where}/"


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
