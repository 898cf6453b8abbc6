"""Evaluate models on labelled images from elsewhere: python -m cifake.evaluate run=base images=others."""

import logging
import sys
from typing import TYPE_CHECKING

from cifake.contract import LABELS
from cifake.core.errors import RunError, exit_code
from cifake.core.native_output import native_output_logged
from cifake.core.progress import configure_logging
from cifake.data.image_set import load_image_set, open_image_set
from cifake.evaluate.options import Options, check_set_name, parse
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cifake.tracking.resolved_model import ResolvedModel

logger = logging.getLogger(__name__)


@native_output_logged()
def main(argv: list[str]) -> None:
    """Score models on the images and log the results to their runs.

    Options, images and models are checked before TensorFlow is imported, which takes 10 s.
    """
    configure_logging()
    with mlflow_project_run("evaluate"):
        options = parse(argv)
        source, label = open_image_set(options.images)  # a wrong path is told before the store is asked
        name = options.name or check_set_name(source.name)
        models = _find_models(options)
        images = load_image_set(source, label, encode=options.prepare == "cifake")
        title = models[0][0].name if len(models) == 1 else f"{len(models)} models"
        name_project_run(f"evaluate {title} on {name}")
        counts = [
            f"{int((images.part.labels == place).sum()):,} {label}" for place, label in enumerate(LABELS)
        ]
        changes = "".join(f", {count:,} {change}" for change, count in images.changes.items())
        logger.info("%s: %s%s", name, ", ".join(counts), changes)
        from cifake.evaluate.evaluate_model import evaluate

        # TensorFlow would warn that it has to trace every model.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        for model, run in models:
            evaluate(model, run, images, name, options)


def _find_models(options: Options) -> "list[tuple[ResolvedModel, Run]]":
    """The models with the runs that their results are logged to; these can be written."""
    from cifake.tracking.permissions import expect_writable
    from cifake.tracking.resolved_model import find_model, models_of_variant

    models = [find_model(reference, options) for reference in options.run]
    models += [model for variant in options.variants for model in models_of_variant(variant)]
    if files := [model.name for model in models if model.run is None]:
        raise RunError(f"expected a run to log to, received the file {files[0]}; see predict for files")
    found = [(model, model.run) for model in models if model.run]
    for _, run in found:
        expect_writable(run.info.run_id)
    return found


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
