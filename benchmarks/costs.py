"""What the published variants cost on any machine, as Markdown: python -m benchmarks.costs.

Seconds depend on what else a machine does; operations do not.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from functools import cache
from typing import Any

import keras
import numpy as np
import pandas as pd

from cifake.comparison import compare
from cifake.comparison.groups import Group
from cifake.comparison.render.paper import markdown
from cifake.comparison.runs import PARAMETER
from cifake.comparison.table import Column, Section, Table
from cifake.config import Settings, load, parse_overrides
from cifake.contract import VARIANT_TAG
from cifake.models import build_model, serving_model
from cifake.models.operations import count_operations, operations_by_layer

COLUMNS = [
    Column("variant", "variant"),
    Column("seeds", "seeds", ",.0f"),
    Column("accuracy", "accuracy", ".4f"),
    Column("parameters", "parameters", ",.0f"),
    Column("prediction", "operations a prediction, millions", ".1f"),
    Column("images", "training images, millions", ".2f"),
    Column("training", "operations in training, 10^12", ",.0f"),
]
NETWORK = tuple(f"{PARAMETER}{key}" for key in ("model.", "adversarial", "predict_flips"))


def operations_an_example(model: keras.Model, settings: Settings) -> int:
    """Of one image in a training step.

    The forward pass, and two gradients of each layer that is trained: of its weights and of its input. An
    attack adds a forward pass and the gradient of the image for each of its steps.
    """
    step = sum(count * (3 if layer.trainable else 1) for layer, count in operations_by_layer(model))
    if not settings.adversarial:
        return step
    attacks = 1 if settings.adversarial.attack == "fgsm" else settings.adversarial.steps
    return step + 2 * attacks * count_operations(model)


@cache
def operations(variant: str, overrides: tuple[tuple[str, str], ...]) -> tuple[int, int]:
    """Of a prediction, and of one image in a training step."""
    settings = load(f"experiments/{variant}.yaml", parse_overrides(dict(overrides)))
    model = build_model(settings)
    return count_operations(serving_model(model, settings)), operations_an_example(model, settings)


def run_operations(run: pd.Series) -> tuple[int, int]:
    """``operations`` of the settings that a run had, which a search may have found."""
    overrides = {
        key.removeprefix(PARAMETER): "null" if text == "None" else text
        for key, text in run.dropna().items()
        if key.startswith(NETWORK)
    }
    if "model.weights" in overrides:
        overrides["model.weights"] = "none"  # random ones cost the same
    return operations(run[VARIANT_TAG], tuple(overrides.items()))


def costs(group: Group) -> dict[str, Any]:
    """A row of the table."""
    prediction, example = np.array([run_operations(run) for _, run in group.runs.iterrows()]).T
    images = group.runs["cost/images_per_second"] * group.runs["cost/train_seconds"]
    return {
        "variant": group.name,
        "seeds": len(group.runs),
        "accuracy": group.mean("test/accuracy"),
        "parameters": group.mean("cost/parameters"),
        "prediction": prediction.mean() / 1e6,
        "images": images.mean() / 1e6,
        "training": (images * example).mean() / 1e12,
    }


def table() -> str:
    """The variants with published runs on all training images, best first."""
    (comparison,) = compare("accuracy", split="full,all", results="experiments/results").comparisons
    caption = "cifake, split full and all; means over seeds."
    return markdown([Section("costs", [Table(caption, COLUMNS, [*map(costs, comparison.groups)])])])


if __name__ == "__main__":
    print(table(), end="")
