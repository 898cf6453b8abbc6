"""Feed images to Keras straight from the memory-mapped data set."""

import math

import keras
import numpy as np

from cifake.data import Part


class Batches(keras.utils.PyDataset):
    """Batches that go round the images for ever, so that no epoch is ever empty.

    Which images the k-th batch of training holds depends on the seed and on k alone.

    Args:
        part: images and labels.
        batch_size: images a batch.
        steps: batches an epoch; None is one pass over the images.
        seed: orders each pass anew; None keeps the part's order and starts every epoch with
            the first image, as validation must.

    Attributes:
        epoch: the epoch that is being read, from 0; whoever trains sets it.
    """

    def __init__(self, part: Part, batch_size: int, steps: int | None, seed: int | None = None) -> None:
        super().__init__()
        self.part = part
        self.labels = part.labels.astype("float32")
        self.batch_size = batch_size
        self.batches_a_pass = math.ceil(len(part) / batch_size)
        self.steps = steps or self.batches_a_pass
        self.seed = seed
        self.epoch = 0
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0))

    @property
    def num_batches(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        first = self.epoch * self.steps if self.seed is not None else 0
        which_pass, batch = divmod(first + step, self.batches_a_pass)
        rows = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
        if self.seed is None:
            return self.part.images[rows], self.labels[rows]
        chosen = self._pass_order(which_pass)[rows]
        return self.part.images[chosen], self.labels[chosen]

    @property
    def images_an_epoch(self) -> int:
        """Images in one epoch, where whole passes end in a smaller batch."""
        passes, rest = divmod(self.steps, self.batches_a_pass)
        return passes * len(self.part) + rest * self.batch_size

    def _pass_order(self, which_pass: int) -> np.ndarray:
        if self._order[0] != which_pass:
            random = np.random.default_rng([self.seed or 0, which_pass])
            self._order = which_pass, random.permutation(len(self.part))
        return self._order[1]
