"""Test how robust a trained model is: python -m cifake.robustness run=base."""

import logging
import sys
from pathlib import Path
from typing import Any

from cifake.core.backend import require_backend
from cifake.core.errors import RunError, exit_code
from cifake.core.files import make_folder
from cifake.core.native_output import native_output_logged
from cifake.core.progress import configure_logging
from cifake.data import Part
from cifake.robustness.options import Options, parse
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run

logger = logging.getLogger(__name__)


@native_output_logged()
def main(argv: list[str]) -> None:
    """Score a run's model on its test images under perturbations and attacks, and log it to the run.

    Options and data are checked before TensorFlow is imported, which takes 10 s.
    """
    configure_logging()
    with mlflow_project_run("robustness"):
        options = parse(argv)
        require_backend("gradients of pixels", "tensorflow", "jax")
        from cifake.tracking.resolved_model import find_model

        model = find_model(options.run, options)
        if not (model.run or options.export):
            raise RunError(
                f"expected a run to log to, received the file {model.name}; only export takes a file"
            )
        name_project_run(f"robustness of {model.name}")
        test = model.load_test_part()
        if options.output:
            make_folder(options.output)  # or say why not, before the work
            export(model.load(), test, options)
        elif model.run:
            from cifake.robustness.test import run_robustness_test

            logger.info("testing %s on %s images", model.name, f"{len(test.first(options.images)):,}")
            run_robustness_test(model.run.info.run_id, model.load, test, options)


def export(model: Any, test: Part, options: Options) -> None:
    """Write test images under a perturbation as files, each under its own path and .png."""
    from PIL import Image

    from cifake.robustness.perturbed import PerturbedTestSet

    test = test.first(options.images)
    name, folder = str(options.export), Path(str(options.output))
    for image, path in zip(PerturbedTestSet(model, test, options).images(name), test.paths, strict=True):
        file = folder / f"{path}.png"  # not in place of its suffix: there may be a.png beside a.jpg
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    logger.info("%s images under %s are in %s", f"{len(test):,}", name, folder)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
