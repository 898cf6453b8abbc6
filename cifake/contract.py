"""The run contract: what a run holds, declared once for whoever writes it and whoever reads it.

Metrics with title, direction and format; tags; artifact paths; the columns of predictions; the names of
perturbations. docs/run-contract.md describes the same for users.
"""

import contextlib
import json
import math
import shlex
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    import pyarrow as pa

CIFAKE, DEMO = "cifake", "demo"  # names of data sets; others are called by their folder or by their user
# Only images with this digest are called cifake: those that Kaggle publishes. It is of their decoded pixels,
# labels and parts (cifake/data/cache.py), as in the tag dataset_digest of every run.
CIFAKE_DIGEST = "920ff6493a878ef2"
IMAGE_SIDE = 32  # pixels
LABELS = ("REAL", "FAKE")  # by value: 1 is FAKE, the positive class
THRESHOLD = 0.5  # a probability of FAKE from here on is a call of FAKE

# Experiment and tags of a run.
EXPERIMENT = "cifake"
VARIANT_TAG = "variant"  # a run without it is not a row of a comparison
CONFIG_HASH_TAG = "config_hash"  # of the settings without the seed: runs that share it are repeats
DATA_TAGS = ("dataset", "dataset_digest", "split")
RUN_TAGS = (VARIANT_TAG, CONFIG_HASH_TAG, *DATA_TAGS)  # of every run of a variant, from the first version on
TEST_IMAGES_TAG = "test_images"
RUN_KEY_TAG = "run_key"  # of settings, seed, data and code: everything that decides the scores
CODE_VERSION_TAG = "code_version"
SEQUENTIAL_TAG = "sequential"  # of runs whose number was decided by looking: what was found, at which look
LIBRARIES_TAG = "libraries"  # Keras and its backend with their versions, which are in code_version, too
DEVICE_TAG = "device"  # that it was trained on: CPU, or the name of a GPU
FAILURE_TAG = "failure"  # why a run failed or was stopped
TOOL_TAG = "tool"  # of runs that are not a training: suite, compare, predict, ...
SEARCH_TAG = "search"  # of a run that searches: the name of its search
TRIAL_TAG = "trial"  # of a nested run: its number in the search
ROBUSTNESS_TAG = "robustness"  # the folder of the predictions that the run's robust/ metrics are of
DOUBTS_TAG = "robustness_doubts"
ADVERSARY_TAG = "robustness_adversary"  # the attack in WEIGHTED_ACCURACY; DEFAULT_ADVERSARY without the tag
WEIGHTED_ACCURACY, DEFAULT_ADVERSARY = "robust/weighted_accuracy", "fgsm_8"
NOTE_TAG = "mlflow.note.content"  # what MLflow shows as the description
NAME_TAG = "mlflow.runName"
COLOUR_TAG = "mlflow.runColor"

# Okabe and Ito's, told apart with every kind of colour vision, without those that vanish on a white or a
# black ground; then seven for stores with more variants than that.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
    "#7570B3", "#A6761D", "#66A61E", "#AA4499", "#44AA99", "#999933", "#E7298A",
)  # fmt: skip
# Variants in the order of COLOURS: those that are compared most often are told apart best.
COLOURED = (
    "base", "sgd", "epoch", "sigmoid", "val", "augmented",
    "affine", "adversarial", "mobilenet_v2", "hyperband_best", "resnet50", "tuned", "modern",
)  # fmt: skip
# What is compared with modern differs from it, from one another, and from base, sgd and epoch.
RELATED = (
    "modern_no_averaging", "modern_no_batch_norm", "modern_no_label_smoothing", "modern_no_mixing",
    "modern_no_residual", "modern_no_schedule", "modern_no_weight_decay", "strong", "strong_scratch",
)  # fmt: skip
VARIANT_COLOURS = dict(zip(COLOURED, COLOURS, strict=True)) | dict(zip(RELATED, COLOURS[3:], strict=False))
SHARED_COLOURS = COLOURS[:12]  # of all other variants; a variant keeps its colour when COLOURS grows


def variant_colour(variant: str) -> str:
    """The colour of a variant in MLflow and in figures; variants of your own may share one."""
    shared = SHARED_COLOURS[zlib.crc32(variant.encode()) % len(SHARED_COLOURS)]
    return VARIANT_COLOURS.get(variant, shared)


@cache
def setting_text(text: str) -> str:
    """The text of a param in one form.

    A training logs ``[64, 64]``, `mlflow run -P` what was typed, ``[64,64]``, in quotes for the shell.
    """
    if text.startswith("'"):
        with contextlib.suppress(ValueError):  # no closing quotation
            text = " ".join(shlex.split(text))
    try:
        value = yaml.safe_load(text) if text.startswith("[") else json.loads(text)
    except (ValueError, yaml.YAMLError):
        return text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("'", "")  # [relu, tanh]


# Artifacts.
PREDICTIONS = "predictions.parquet"
CONFIG = "config.yaml"
CLASSIFICATION_REPORT = "classification_report.txt"
FIGURES = "figures"
EXPLANATION = "explanation"

# Pairs of near-copies that an audit writes, one a row; parts are those of split=full. The digest is the
# beginning of the tag dataset_digest.
NEAR_COPIES_COLUMNS = (
    "similarity", "first", "first_part", "first_label", "second", "second_part", "second_label",
    "dataset_digest",
)  # fmt: skip

# Other test sets: their metrics are other/<set>/accuracy, their predictions other/<set>.parquet.
OTHER_SETS = "other/"
WEIGHTED_SETS = "weighted"  # means over sets that have a weight
# A set of one label has no ROC: its images stand beside the test part's of the other label. By the set's
# label, what follows its name in other/<set>.../roc_auc.
WITH_TEST = {0: "_with_test_fakes", 1: "_with_test_photographs"}


@dataclass(frozen=True)
class Perturbation:
    """A kind of perturbation of a robustness test.

    Attributes:
        strengths: those that are tested, from weak to strong, or from below ``none`` to above.
        none: the strength that changes nothing.
        unit: of a strength, in words.
        scale: MLflow's steps in a unit; see ``step``.
    """

    strengths: tuple[float, ...]
    none: float
    unit: str
    scale: int

    def step(self, strength: float) -> int:
        """The step of a strength in ``robust/<kind>/<metric>``: 0 changes nothing, larger steps more."""
        return round(self.scale * (strength - self.none))

    @property
    def is_descending(self) -> bool:
        """Whether smaller strengths change more, as with the quality of a JPEG."""
        return self.scale < 0


EPSILON = Perturbation((1, 2, 4, 8), 0, "epsilon, of 255", 1)
ATTACKS = {"fgsm": EPSILON, "pgd": EPSILON}
KINDS: dict[str, Perturbation] = {
    "jpeg": Perturbation((90, 75, 50, 30), 100, "quality", -1),
    "blur": Perturbation((0.5, 1, 2), 0, "sigma, pixels", 10),
    "noise": Perturbation((0.02, 0.05, 0.1), 0, "sigma, share of the range", 255),
    "resize": Perturbation((0.75, 0.5), 1, "share of the side", -100),
    "brightness": Perturbation((0.7, 1.3), 1, "factor", 100),
    "contrast": Perturbation((0.7, 1.3), 1, "factor", 100),
    "flip": Perturbation((1,), 0, "0 no, 1 yes", 1),
    "random": EPSILON,
    **ATTACKS,
}
CLEAN = "clean"


def perturbation_name(kind: str, strength: float) -> str:
    """``blur_0.5`` for ``("blur", 0.5)``."""
    return f"{kind}_{strength:g}"


def parse_perturbation(name: str) -> tuple[str, float]:
    """``("blur", 0.5)`` for ``blur_0.5``."""
    kind, _, strength = name.partition("_")
    return kind, float(strength or 0)


PERTURBATIONS = (
    CLEAN, *(perturbation_name(kind, strength) for kind in KINDS for strength in KINDS[kind].strengths)
)  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """How a metric is named, ordered and written."""

    key: str  # in MLflow: test/f1
    title: str  # how tables and figures call it
    higher_is_better: bool | None  # None where it has no direction, or none is known
    form: str = ".4f"  # a format specification for its values
    bounds: tuple[float, float] = (0.0, 1.0)  # the least and the greatest value it can have

    @property
    def name(self) -> str:
        """The last part of the key: ``f1`` of ``test/f1``."""
        return self.key.rpartition("/")[2]


NON_NEGATIVE, ANY = (0.0, math.inf), (-math.inf, math.inf)


def _by_key(*metrics: Metric) -> dict[str, Metric]:
    return {metric.key: metric for metric in metrics}


# Metrics of a set of images with labels, by name; they stand under several prefixes.
OF_PREDICTIONS = _by_key(
    Metric("accuracy", "accuracy", True),
    Metric("precision", "precision", True),
    Metric("recall", "recall", True),
    Metric("f1", "F1", True),
    Metric("loss", "loss", False, bounds=NON_NEGATIVE),
    Metric("roc_auc", "ROC AUC", True),
    Metric("average_precision", "average precision", True),
    Metric("mcc", "MCC", True, bounds=(-1.0, 1.0)),
    Metric("brier", "Brier score", False),
    Metric("ece", "calibration error", False),
)
# What is logged of perturbed images and of other test sets beside them.
OF_OTHER_IMAGES = _by_key(
    Metric("fake_share", "share called FAKE", None),
    Metric("accuracy_real", "accuracy on REAL", True),
    Metric("accuracy_fake", "accuracy on FAKE", True),
    Metric("gain_of_more_steps", "gain of more steps", None, bounds=(-1.0, 1.0)),
    Metric("images", "images", None, ",.0f", NON_NEGATIVE),
    Metric("weight", "weight", None, ".2g", NON_NEGATIVE),
)
# Everything else, by its whole key.
OTHER = _by_key(
    Metric("best_epoch", "best epoch", None, ".0f", NON_NEGATIVE),
    Metric("learning_rate", "learning rate", None, ".2g", NON_NEGATIVE),
    Metric("cost/parameters", "parameters", False, ",.0f", NON_NEGATIVE),
    Metric("cost/operations", "operations", False, ",.0f", NON_NEGATIVE),
    Metric("cost/train_seconds", "training s", False, ",.1f", NON_NEGATIVE),
    Metric("cost/images_per_second", "images/s", True, ",.0f", NON_NEGATIVE),
    Metric("cost/latency_ms", "latency ms", False, ".2f", NON_NEGATIVE),
    Metric("cost/total_seconds", "total s", False, ",.1f", NON_NEGATIVE),
    Metric(WEIGHTED_ACCURACY, "weighted accuracy", True),
    Metric("robust/images", "images tested", None, ",.0f", NON_NEGATIVE),
    Metric("robust/doubts", "doubts", False, ".0f", NON_NEGATIVE),
    Metric("search/trials", "trials", None, ".0f", NON_NEGATIVE),
    Metric("search/failed_trials", "failed trials", False, ".0f", NON_NEGATIVE),
    Metric("search/best_trial", "best trial", None, ".0f", NON_NEGATIVE),
    Metric("search/best_score", "best score", None, bounds=ANY),  # that of the search's objective
    Metric("explain/border_share", "heat on the border", None),
    Metric("explain/border_share_REAL", "heat on the border, REAL", None),
    Metric("explain/border_share_FAKE", "heat on the border, FAKE", None),
    Metric("explain/half_area", "area of half the heat", None),
    Metric("explain/randomised_border_share", "heat on the border, random weights", None),
    Metric("explain/randomised_half_area", "area of half the heat, random weights", None),
    Metric("explain/randomised_correlation", "correlation with random weights", False),
    Metric("explain/chance_correlation", "correlation with other images", None),
)
PREFIXES = ("test/", "train/", "val/", "best/val_")
ROBUST = "robust/"
TRIAL_SCORE = "trial/score"


def describe_metric(key: str) -> Metric:
    """The declaration of a metric key such as ``test/f1``, ``val/loss`` or ``robust/pgd_2/accuracy``.

    A key that is not declared is its own title and has no known direction.
    """
    if key in OTHER:
        return OTHER[key]
    if key.startswith((ROBUST, OTHER_SETS)) and key.count("/") == 2:
        declared, name = OF_PREDICTIONS | OF_OTHER_IMAGES, key.rpartition("/")[2]
    else:
        prefix = next((prefix for prefix in PREFIXES if key.startswith(prefix)), "")
        declared, name = OF_PREDICTIONS, key.removeprefix(prefix)
    if name in declared:
        return replace(declared[name], key=key)
    return Metric(key, key, None, ".4g", ANY)


def line_of(key: str) -> tuple[str, int] | None:
    """Where a run holds the value of a perturbation: ``robust/pgd_2/f1`` at step 2 of ``robust/pgd/f1``.

    So MLflow draws a line over the strength. None for all other keys, those of ``clean`` among them.
    """
    prefix, name, metric = (*key.split("/"), "", "")[:3]
    if f"{prefix}/" != ROBUST or name not in PERTURBATIONS or name == CLEAN:
        return None
    kind, strength = parse_perturbation(name)
    return f"{ROBUST}{kind}/{metric}", KINDS[kind].step(strength)


def higher_is_better(key: str) -> bool:
    """The direction of a metric; a ValueError where it has none."""
    direction = describe_metric(key).higher_is_better
    if direction is None:
        raise ValueError(f"expected a metric with a direction, received {key}")
    return direction


def predictions_schema() -> "pa.Schema":
    """The columns of ``predictions.parquet``, one row a test image, in test order."""
    import pyarrow as pa  # not at the top: commands that read no predictions do without

    columns = {"path": pa.string(), "object": pa.string(), "label": pa.int8(), "score": pa.float32()}
    return pa.schema(columns)
