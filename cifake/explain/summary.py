"""An explanation as files and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from cifake.contract import LABELS
from cifake.explain.examples import Explained
from cifake.explain.figures import explanation_figures
from cifake.explain.gradcam import GradCam, heat
from cifake.explain.randomised import SAME, randomised, rank_correlation
from cifake.explain.where import (
    AREA_SHARE,
    BORDER,
    border_shares,
    densities,
    half_areas,
    share_table,
)

RANDOM_MODELS = 3
SAMPLE = 500  # images that the random models explain, evenly spaced


@dataclass(frozen=True)
class Control:
    """Statistics of the maps of models with random weights; means over such models.

    Attributes:
        correlation: with the maps of the trained model, see ``rank_correlation``.
        chance: the same with the trained model's maps of other images.
        border_share: the share of their heat on the border, from 0 to 1.
        half_area: the share of the area that holds half of their heat.
    """

    correlation: float
    chance: float
    border_share: float
    half_area: float


def control(model: keras.Model, cam: GradCam, explained: Explained) -> Control:
    """Explain a sample of the images with models of random weights, by the layer and method of ``cam``."""
    rows = np.unique(np.linspace(0, len(explained.images) - 1, SAMPLE).astype(int))
    images, trained = np.asarray(explained.images)[rows], explained.evidence[rows]
    values = []
    for _ in range(RANDOM_MODELS):
        evidence, scores = GradCam(randomised(model), cam.layer, cam.method)(images)
        density = densities(heat(evidence, scores))
        correlations = [rank_correlation(trained, maps) for maps in (evidence, np.roll(evidence, 1, axis=0))]
        values.append([*correlations, _mean(border_shares(density)), _mean(half_areas(density))])
    return Control(*(float(value) for value in np.mean(values, axis=0)))


def write(explained: Explained, control: Control, layer: str, folder: Path, name: str) -> dict[str, float]:
    """Write the figures, the arrays and the table of border shares.

    Args:
        explained: n images with their maps.
        control: from the same layer.
        layer: the layer that gave the maps.
        folder: exists already.
        name: of the model, for the figures' titles.

    Returns:
        Metrics by key.
    """
    density = densities(explained.heat)
    table = share_table(density, **explained.groups)
    table.to_csv(folder / "heat.csv", index=False)
    figures = explanation_figures(explained, density, table, control.border_share, name)
    for file, figure in figures.items():
        figure.savefig(folder / file)
    known = {"label": explained.labels, "object": explained.objects}
    np.savez(
        folder / "heatmaps.npz",
        evidence=explained.evidence, score=explained.scores, path=explained.paths, layer=np.array(layer),
        **{key: value for key, value in known.items() if value is not None},  # type: ignore[arg-type]
    )  # fmt: skip
    classes, shares = next(iter(explained.groups.values())), border_shares(density)
    return {
        "explain/border_share": _mean(shares),
        **{
            f"explain/border_share_{name}": _mean(shares[classes == name])
            for name in LABELS
            if name in classes
        },
        "explain/half_area": _mean(half_areas(density)),
        "explain/randomised_border_share": control.border_share,
        "explain/randomised_half_area": control.half_area,
        "explain/randomised_correlation": control.correlation,
        "explain/chance_correlation": control.chance,
    }


def describe(metrics: Mapping[str, float]) -> str:
    """A summary of the metrics, with a warning if the maps hardly depend on the trained weights."""
    shares = ", ".join(
        f"{name} {metrics[f'explain/border_share_{name}']:.1%}"
        for name in LABELS
        if f"explain/border_share_{name}" in metrics
    )
    correlation = metrics["explain/randomised_correlation"]
    lines = [
        f"heat on the outermost {BORDER} pixels: {shares}; share of the area {AREA_SHARE:.1%}, random "
        f"weights {metrics['explain/randomised_border_share']:.1%}",
        f"half of the heat lies on {metrics['explain/half_area']:.1%} of the area, with random weights on "
        f"{metrics['explain/randomised_half_area']:.1%}",
        f"rank correlation with the maps of random weights: {correlation:.2f} (maps of different images: "
        f"{metrics['explain/chance_correlation']:.2f})",
    ]
    if correlation > SAME:
        lines.append(
            f"warning: expected at most {SAME}; these maps depend on the image more than on the training"
        )
    return "\n".join(lines)


def _mean(values: np.ndarray) -> float:
    return float(pd.Series(values).mean())  # skips the NaN of images without heat
