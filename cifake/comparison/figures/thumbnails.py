"""The figure of the view images: what is called wrongly, as thumbnails by object class."""

import textwrap
from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.mistakes import Mistakes, find_mistakes, find_pixels
from cifake.contract import IMAGE_SIDE, LABELS

GROUPS = 4  # shown: the reference and the best others; a page has no room for more thumbnails
CELL = np.array(
    [IMAGE_SIDE + 24, IMAGE_SIDE + 10]
)  # height and width of a thumbnail with its text, in pixels
INCHES = 0.019  # a pixel
TITLE = "true label, probability of FAKE (→: from the reference's); one of how many"
LETTERS, LINE = 14, 0.15  # of the title: letters an inch, and inches a line
MARGIN, NAME = 2.2, 22  # inches and characters a line, for the names on the left


def images_figure(comparison: Comparison) -> Figure:
    """For each kind of mistake and object class the most decided example, with its label and scores.

    Where object classes are not known, for each kind and label.

    Raises:
        ValueError: there are no predictions or no pixels.
    """
    mistakes, pixels = find_mistakes(comparison), find_pixels(comparison)
    if mistakes is None or isinstance(pixels, str):
        raise ValueError("expected predictions and pixels, received none")
    by_label = {label: mistakes.images.labels == place for place, label in enumerate(LABELS)}
    classes = mistakes.classes or by_label
    kinds = [kind for kind in _kinds(mistakes) if kind[1].any()]
    height, width = CELL * (max(len(kinds), 1), len(classes))
    title = textwrap.fill(TITLE, int(LETTERS * width * INCHES))
    above = 0.7 + LINE * title.count("\n")
    figure = Figure(figsize=(MARGIN + width * INCHES, above + height * INCHES), layout="constrained")
    axes = figure.subplots()
    mosaic = np.zeros((height, width, 4), np.uint8)  # one picture, clear between the thumbnails
    for row, (_, chosen, strength, scores) in enumerate(kinds):
        for column, of_class in enumerate(classes.values()):
            found = np.flatnonzero(chosen & of_class)
            if not len(found):
                continue
            image = found[np.argmax(strength[found])]
            top, left = CELL * (row, column)
            mosaic[top : top + IMAGE_SIDE, left : left + IMAGE_SIDE] = 255
            mosaic[top : top + IMAGE_SIDE, left : left + IMAGE_SIDE, :3] = pixels[image]
            said = "→".join(f"{score:.2f}" for score in scores[:, image]).replace("0.", ".")
            label = f"{LABELS[mistakes.images.labels[image]]} {said}\n1 of {len(found)}"
            axes.text(left + IMAGE_SIDE / 2, top + IMAGE_SIDE + 1, label, ha="center", va="top", fontsize=7)
    axes.imshow(mosaic, interpolation="none")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks(
        np.arange(len(kinds)) * CELL[0] + IMAGE_SIDE / 2,
        [textwrap.fill(kind[0], NAME) for kind in kinds],
        fontsize=8,
    )
    axes.set_xticks(np.arange(len(classes)) * CELL[1] + IMAGE_SIDE / 2, list(classes))
    axes.xaxis.tick_top()
    axes.set_title(title, fontsize=9, loc="left")
    return figure


def _kinds(mistakes: Mistakes) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Title, images (bool [n]), how striking each is (float [n]) and the scores to show (float [k, n])."""
    scores, labels = mistakes.scores, mistakes.images.labels
    mean = scores.mean(axis=0, keepdims=True)
    if len(scores) > 1:
        yield f"wrong in all {len(scores)}", mistakes.in_all, np.abs(mean[0] - labels), mean
    reference = 0 if mistakes.reference is None else mistakes.reference
    shown = [reference, *(place for place in range(len(scores)) if place != reference)][:GROUPS]
    for place in shown:
        name = mistakes.groups[place].name
        title, own = (f"only {name}", mistakes.only) if len(scores) > 1 else ("wrong", mistakes.wrong)
        yield title, own[place], np.abs(scores[place] - labels), scores[[place]]
    for place in shown[1:] if mistakes.reference is not None else ():
        name, pair = mistakes.groups[place].name, scores[[reference, place]]
        change = np.abs(pair[1] - pair[0])
        yield f"{name} mends", mistakes.mended[place], change, pair
        yield f"{name} spoils", mistakes.spoiled[place], change, pair
