"""Which test images each group gets wrong, and the pixels of those images where they are at hand."""

from dataclasses import dataclass

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import Group
from cifake.comparison.prediction_files import Predictions, hash_images
from cifake.core.errors import CifakeError
from cifake.evaluation.metrics import decide


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of groups on the same images; a group with several seeds decides by its mean score.

    Attributes:
        groups: those with predictions, best first.
        reference: the place of the one that the others are set against; None where it has no predictions.
        images: labels and object classes.
        scores: the probability of FAKE, the mean over seeds: float [groups, n].
        wrong: bool [groups, n].
        in_all: what every group gets wrong: bool [n].
        only: what no other group gets wrong: bool [groups, n].
        mended: the reference's mistakes that a group does not make: bool [groups, n].
        spoiled: a group's mistakes that the reference does not make: bool [groups, n].
    """

    groups: list[Group]
    reference: int | None
    images: Predictions
    scores: np.ndarray
    wrong: np.ndarray
    in_all: np.ndarray
    only: np.ndarray
    mended: np.ndarray
    spoiled: np.ndarray

    @property
    def classes(self) -> dict[str, np.ndarray]:
        """By object class which images are of it, bool [n]; the class with most mistakes first.

        Empty where the images' names tell no classes.
        """
        of_class = {
            str(name): self.images.objects == place for place, name in enumerate(self.images.names) if name
        }
        return dict(sorted(of_class.items(), key=lambda item: -self.wrong[:, item[1]].mean()))


def find_mistakes(comparison: Comparison) -> Mistakes | None:
    """The mistakes of the groups that have predictions; None where none has."""
    groups = [group for group in comparison.groups if group.scores]
    if comparison.images is None or not groups:
        return None
    scores = np.array([np.mean(list(group.scores.values()), axis=0) for group in groups])
    reference = next((place for place, group in enumerate(groups) if group is comparison.reference), None)
    wrong = decide(scores) != comparison.images.labels
    own = wrong if reference is None else wrong[reference]
    return Mistakes(
        groups=groups,
        reference=reference,
        images=comparison.images,
        scores=scores,
        wrong=wrong,
        in_all=wrong.all(axis=0),
        only=wrong & (wrong.sum(axis=0) == 1),
        mended=own & ~wrong,
        spoiled=~own & wrong,
    )


def find_pixels(comparison: Comparison) -> np.ndarray | str:
    """The test images, uint8 [n, 32, 32, 3], or why there are none: exactly those that predictions are of."""
    from cifake.data import load_test_part  # decoders, needed only here

    run = comparison.groups[0].runs.iloc[0]
    name, split, digest = (str(run[key]) for key in ("dataset", "split", "dataset_digest"))
    try:
        part = load_test_part(name, split, digest, download=False)
    except CifakeError as error:
        return f"No pictures: {error}."
    predictions = comparison.images
    if predictions:
        count = len(predictions.labels)  # a robustness test may be of the first images alone
        if hash_images(part.paths[:count].tolist(), part.labels[:count]) == str(predictions.images):
            return part.images[:count]
    return f"No pictures: the test images of {name} on this machine have other names than those predicted."
