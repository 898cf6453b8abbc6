"""Test how robust a trained model is: python -m cifake.robustness run=base."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import Field

from cifake.config import check_options, help_or_words, require_tensorflow, split_words
from cifake.data import Dataset
from cifake.errors import ConfigError, RunError, exit_code
from cifake.evaluation.robustness.options import StressOptions
from cifake.evaluation.robustness.perturbations import NAMES
from cifake.launched import launched_run

logger = logging.getLogger(__name__)


class Options(StressOptions):
    """What the command may be told beyond what a test may."""

    run: str = Field(description="a run id, a variant (its newest finished run), models:/<name>@<alias>")
    export: str | None = Field(
        None, description="only write the images of this perturbation, as PNG files, to output"
    )
    output: str | None = Field(None, description="a folder, with export")


def main(words: list[str]) -> None:
    """Score a run's model on its test images under perturbations and attacks, and log it to the run.

    Options and data are checked before TensorFlow is imported, which takes 10 s.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with launched_run("robustness"):
        options = parse(words)
        require_tensorflow("gradients of pixels")
        from cifake import tracking

        found = tracking.find_model(options.run)
        if found.run is None:
            raise RunError(
                f"expected a run to log to, received the file {found.name}; see export for its images"
            )
        data = found.load_data()
        logger.info("testing %s on %s", found.name, data.name)
        if options.export:
            export(found.load(), data, options)
        else:
            from cifake.stress import stress

            stress(found.run.info.run_id, found.load, data.test, options)


def parse(words: list[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that there is not, or a value that its option does not take.
    """
    rest = help_or_words(
        Options, words, prog="python -m cifake.robustness", about=str(main.__doc__).splitlines()[0],
        more=f"perturbations: {', '.join(NAMES)}",
    )  # fmt: skip
    options = check_options(Options, split_words(rest))
    if (options.export is None) != (options.output is None):
        raise ConfigError("expected export=<perturbation> and output=<folder> together, received one of them")
    if options.export and options.export not in NAMES:
        raise ConfigError(f"export: expected one of {', '.join(NAMES)}, received '{options.export}'")
    return options


def export(model: Any, data: Dataset, options: Options) -> None:
    """Write test images under a perturbation as files, each under its own path."""
    from PIL import Image

    from cifake.evaluation.robustness.stress import Stress
    from cifake.stress import first_images

    test = first_images(data.test, options.images)
    name, folder = str(options.export), Path(str(options.output))
    for image, path in zip(Stress(model, test, options).images(name), test.paths, strict=True):
        file = folder / Path(path).with_suffix(".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    logger.info("%s images under %s are in %s", f"{len(test):,}", name, folder)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
