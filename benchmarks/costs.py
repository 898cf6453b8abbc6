"""What the published variants cost on any machine, as Markdown: python -m benchmarks.costs.

Seconds depend on what else a machine does; operations do not.
"""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from cifake.config import Settings, load
from cifake.models import build_model, serving_model
from cifake.models.operations import count_operations, operations_by_layer

RUNS = Path("experiments/results/runs")
SPLITS = ("full", "all")
TITLES = (
    "variant", "seeds", "accuracy", "parameters", "operations a prediction, millions",
    "training images, millions", "operations in training, 10^12",
)  # fmt: skip


def operations_an_example(model: Any, settings: Settings) -> int:
    """Of one image in a training step.

    The forward pass, and two gradients of each layer that is trained: of its weights and of its input. An
    attack adds a forward pass and the gradient of the image for each of its steps.
    """
    step = sum(count * (3 if layer.trainable else 1) for layer, count in operations_by_layer(model))
    if not settings.adversarial:
        return step
    attacks = 1 if settings.adversarial.attack == "fgsm" else settings.adversarial.steps
    return step + 2 * attacks * count_operations(model)


def row(variant: str, runs: list[dict[str, float]]) -> tuple[float, str]:
    """A variant's mean accuracy, and its line of the table."""
    path = f"experiments/{variant}.yaml"
    transfer = load(path).model.builder == "transfer"
    settings = load(path, {"model.weights": "none"} if transfer else {})
    model = build_model(settings)
    served = serving_model(model, settings)
    accuracy = mean(run["test/accuracy"] for run in runs)
    images = mean(run["cost/images_per_second"] * run["cost/train_seconds"] for run in runs)
    cells = (
        f"`{variant}`", f"{len(runs)}", f"{accuracy:.4f}", f"{served.count_params():,}",
        f"{count_operations(served) / 1e6:.1f}", f"{images / 1e6:.2f}",
        f"{images * operations_an_example(model, settings) / 1e12:,.0f}",
    )  # fmt: skip
    return accuracy, f"| {' | '.join(cells)} |"


def table() -> str:
    """The variants with published runs on all training images, best first."""
    runs = defaultdict(list)
    for file in sorted(RUNS.glob("*.json")):
        run = json.loads(file.read_text(encoding="utf-8"))
        if run["tags"]["split"] in SPLITS:
            runs[run["tags"]["variant"]].append(run["metrics"])
    rows = sorted((row(variant, found) for variant, found in runs.items()), reverse=True)
    return "\n".join([f"| {' | '.join(TITLES)} |", "| :-- |" + " --: |" * 6, *(line for _, line in rows)])


if __name__ == "__main__":
    print(table())
