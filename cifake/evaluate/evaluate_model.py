"""Score one model on one set of images."""

import logging
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binomtest

from cifake.data.image_set import ImageSet
from cifake.evaluate.options import Options
from cifake.evaluation.metrics import decide, roc_auc, score, score_by_label
from cifake.evaluation.scoring import predict
from cifake.tracking.image_set_results import (
    is_evaluated,
    log_image_set,
    ranked_set,
    test_predictions,
    update_weighted_means,
)
from cifake.tracking.results import predictions_table

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cifake.tracking.resolved_model import ResolvedModel

logger = logging.getLogger(__name__)


def evaluate(resolved: "ResolvedModel", run: "Run", images: ImageSet, name: str, options: Options) -> None:
    """Score a model on the images, log the results to its run and say the accuracy with its interval.

    A set of one label has no ROC of its own; its images are ranked against those of the other label in the
    run's test part.

    Raises:
        RunError: the run holds results of other images or labels under this name.
    """
    labels = images.part.labels
    identity = f"{images.digest} prepare={options.prepare}"
    identity = " ".join(filter(None, (identity, options.scale, options.positive)))
    ranked = ranked_set(name, labels)
    if is_evaluated(run, name, ranked, identity, options.weight, options.force):
        update_weighted_means(run.info.run_id)  # the command may have been killed before
        logger.info("%s: done already", resolved.name)
        return
    scores = predict(resolved.load(), images.part.images)
    own = predictions_table(images.part, scores)
    predictions, metrics = {name: own}, {name: score_by_label(labels, scores)}
    if ranked == name:
        metrics[name] |= score(labels, scores)
        auc, against = metrics[name]["roc_auc"], ""
    else:
        test = test_predictions(run.info.run_id)
        both = pa.concat_tables([own, test.filter(pc.field("label") != int(labels[0]))])
        auc, against = roc_auc(both["label"].to_numpy(), both["score"].to_numpy()), " against the test part"
        predictions[ranked], metrics[ranked] = both, {"roc_auc": auc}
    metrics[name] |= {"images": float(len(labels))}
    if options.weight is not None:
        metrics[name]["weight"] = options.weight
    log_image_set(run.info.run_id, name, identity, predictions, metrics)
    update_weighted_means(run.info.run_id)
    right = int((decide(scores) == labels).sum())
    interval = binomtest(right, len(labels)).proportion_ci(method="wilson")
    logger.info(
        "%s: accuracy %.4f [%.4f, %.4f], ROC AUC%s %.4f", resolved.name, right / len(labels), interval.low,
        interval.high, against, auc,
    )  # fmt: skip
