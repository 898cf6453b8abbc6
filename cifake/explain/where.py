"""Where heat lies over many images: mean maps, and the share of heat on the border."""

import numpy as np
import pandas as pd

from cifake.contract import IMAGE_SIDE

BORDER = 4  # pixels on each side: 44 % of the area
AREA_SHARE = 1 - (1 - 2 * BORDER / IMAGE_SIDE) ** 2  # the border share of a uniform map


def enlarge(maps: np.ndarray) -> np.ndarray:
    """Enlarge maps to the size of the image, bilinearly: float [..., h, w] to [..., 32, 32]."""
    down, across = (_stretch(size) for size in maps.shape[-2:])
    larger: np.ndarray = down @ maps @ across.T
    return larger


def densities(heat: np.ndarray) -> np.ndarray:
    """Normalise maps to sum to 1 over the pixels of the image, so that every image has the same weight.

    Args:
        heat: float [n, h, w], at least 0.

    Returns:
        float [n, h, w]; NaN for an image without heat.
    """
    total = _sum_over(heat, np.ones((IMAGE_SIDE, IMAGE_SIDE)))
    total[total == 0] = np.nan
    density: np.ndarray = heat / total[:, None, None]
    return density


def border_shares(density: np.ndarray) -> np.ndarray:
    """The share of each image's heat on the outermost 4 pixels: float [n] from ``densities``."""
    border = np.ones((IMAGE_SIDE, IMAGE_SIDE))
    border[BORDER:-BORDER, BORDER:-BORDER] = 0
    return _sum_over(density, border)


def half_areas(density: np.ndarray) -> np.ndarray:
    """The smallest share of each map's area that holds half of its heat: float [n] from ``densities``."""
    cells = -np.sort(-density.reshape(len(density), -1), axis=1)
    running = np.cumsum(cells, axis=1)
    needed = (running < running[:, -1:] / 2).sum(axis=1) + 1
    return np.where(np.isnan(running[:, -1]), np.nan, needed / cells.shape[1])


def share_table(density: np.ndarray, **groups: np.ndarray) -> pd.DataFrame:
    """Border shares by group.

    Args:
        density: float [n, h, w], from ``densities``.
        groups: str [n] each, such as ``label`` and ``object``.

    Returns:
        A row for each value of the first key and, with several keys, for each combination: the keys (``all``
        where a row is over all values), the number of images, of images without heat, the mean share of heat
        on the border with its standard error, the mean of ``half_areas``, and the border's share of the area.
    """
    frame = pd.DataFrame({**groups, "share": border_shares(density), "half": half_areas(density)})
    keys = list(groups)
    parts = []
    for by in [keys[:1], keys][: len(keys)]:
        grouped = frame.groupby(by)
        summary = grouped.agg(
            images=("share", "size"), without_heat=("share", lambda share: share.isna().sum()),
            border_share=("share", "mean"), standard_error=("share", "sem"), half_area=("half", "mean"),
        ).reset_index()  # fmt: skip
        parts.append(summary.assign(**dict.fromkeys(set(keys) - set(by), "all")))
    table = pd.concat(parts, ignore_index=True).assign(area_share=AREA_SHARE)
    return table[[*keys, *(column for column in table if column not in keys)]]


def mean_map(density: np.ndarray) -> np.ndarray:
    """The mean of maps, enlarged: float [32, 32]; 1 is the value of a uniform map.

    Images without heat are left out; if there are no others, the map is zero.
    """
    lit = density[np.isfinite(density).all(axis=(1, 2))]
    if not len(lit):
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE))
    return enlarge(lit.mean(axis=0)) * IMAGE_SIDE**2


def _stretch(size: int) -> np.ndarray:
    """Weights of bilinear interpolation with half-pixel centres: float [32, size]; rows sum to 1."""
    positions = (np.arange(IMAGE_SIDE) + 0.5) * size / IMAGE_SIDE - 0.5
    return np.stack([np.interp(positions, np.arange(size), row) for row in np.eye(size)], axis=1)


def _sum_over(maps: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Sums of enlarged maps over weighted pixels, without enlarging them: float [n]."""
    down, across = (_stretch(size) for size in maps.shape[-2:])
    sums: np.ndarray = np.einsum("nhw,hw->n", maps, down.T @ pixels @ across)
    return sums
