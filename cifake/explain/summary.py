"""An explanation as files and metrics."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from cifake.contract import LABELS
from cifake.explain.examples import Explained
from cifake.explain.explanation_figures import explanation_figures
from cifake.explain.gradcam import GradCam, heat
from cifake.explain.randomised import SAME, randomised, rank_correlation
from cifake.explain.where import AREA_SHARE, BORDER, border_shares, densities, half_areas, share_table

RANDOM_MODELS = 3
SAMPLE = 500  # images that the random models explain, evenly spaced


def control(model: keras.Model, cam: GradCam, explained: Explained) -> dict[str, float]:
    """Metrics by key of a sample of the images, explained by models of random weights as by ``cam``.

    Means over models: ``randomised_correlation`` is ``rank_correlation`` with the trained model's maps and
    ``chance_correlation`` that with its maps of other images; the shares are from 0 to 1.
    """
    rows = np.unique(np.linspace(0, len(explained.images) - 1, SAMPLE).astype(int))
    images, trained = np.asarray(explained.images)[rows], explained.evidence[rows]
    values = []
    for _ in range(RANDOM_MODELS):
        evidence, scores = GradCam(randomised(model), cam.layer, cam.method)(images)
        density = densities(heat(evidence, scores))
        values.append(
            {
                "explain/randomised_border_share": _mean(border_shares(density)),
                "explain/randomised_half_area": _mean(half_areas(density)),
                "explain/randomised_correlation": rank_correlation(trained, evidence),
                "explain/chance_correlation": rank_correlation(trained, np.roll(evidence, 1, axis=0)),
            }
        )
    return {key: float(np.mean([of_model[key] for of_model in values])) for key in values[0]}


def write(
    explained: Explained, control: Mapping[str, float], layer: str, folder: Path, name: str
) -> dict[str, float]:
    """Write the figures, the arrays and the table of border shares, into a folder that exists already.

    Returns:
        Metrics by key, those of ``control`` among them.
    """
    density = densities(explained.heat)
    table = share_table(density, **explained.groups)
    table.to_csv(folder / "heat.csv", index=False)
    random_share = control["explain/randomised_border_share"]
    figures = explanation_figures(explained, density, table, random_share, name)
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
        **control,
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
