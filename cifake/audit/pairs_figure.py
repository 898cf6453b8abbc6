"""Pairs of images side by side at several similarities, by which a person judges the limit."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cifake.contract import IMAGE_SIDE

LEVELS = (0.9, 0.92, 0.94, 0.95, 0.96, 0.98, 1.0)
REACH = 0.01  # the pairs of a level are nearer to it than this
SHOWN = 5  # pairs a level
GAP = 2  # pixels


def pairs_figure(pairs: pd.DataFrame, images: np.ndarray, limit: float) -> Figure:
    """The pairs nearest to each of LEVELS, with their names and similarities.

    Args:
        pairs: see ``find_pairs``; at least one.
        images: uint8 [n, 32, 32, 3], those that the pairs' rows are of.
        limit: the least similarity that was called a near-copy.
    """
    shown = {level: nearest for level in LEVELS if len(nearest := _nearest(pairs, level))}
    figure = Figure(figsize=(10, 1.35 * len(shown) + 0.4), dpi=110, layout="constrained")
    all_axes = figure.subplots(len(shown), SHOWN, squeeze=False)
    for row, (level, nearest) in zip(all_axes, shown.items(), strict=True):
        for axes in row:
            axes.axis("off")
        for axes, pair in zip(row, nearest.to_dict("records"), strict=False):
            gap = np.full((IMAGE_SIDE, GAP, 3), 255, np.uint8)
            axes.imshow(np.hstack([images[pair["first_row"]], gap, images[pair["second_row"]]]))
            names = f"{pair['similarity']:.3f}\n{pair['first']}\n{pair['second']}"
            axes.set_title(names, fontsize=6.5, parse_math=False)
        row[0].text(-0.08, 0.5, f"{level:.2f}", transform=row[0].transAxes, ha="right", va="center")
    figure.suptitle(
        f"Pairs by similarity; near-copies from {limit:g}; byte-identical copies left out",
        fontsize=10,
    )
    return figure


def _nearest(pairs: pd.DataFrame, level: float) -> pd.DataFrame:
    distance = (pairs["similarity"] - level).abs().sort_values(kind="stable")
    return pairs.loc[distance[distance < REACH].index[:SHOWN]]
