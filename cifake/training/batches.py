"""Feed images to Keras straight from the memory-mapped data set."""

import math
from typing import Any

import keras
import numpy as np

from cifake.data import Part
from cifake.training.transforms import Transform

PREFETCHED_BATCHES = 4
CHANGES, SIDES = 1, 2  # tell apart what is drawn from the seed besides the order


class Batches(keras.utils.PyDataset):
    """Batches from endless passes over the images, so that no epoch is ever empty.

    An epoch has ``steps`` batches, or is one pass with a smaller last batch. What it holds, and how the
    transform (see ``transform_of``) changes it, depends on the seed and the epoch's number alone. Without a
    seed, for validation, every epoch holds the first images in the part's order, none of them twice.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        steps: int | None,
        seed: int | None = None,
        transform: Transform | None = None,
    ) -> None:
        super().__init__()
        self.images = np.asarray(part.images)  # the same memory; indexing a memmap object is slow
        self.labels = part.labels.astype("float32")
        self.batch_size = batch_size
        self.seed = seed
        count = steps * batch_size if steps else len(part)
        self.images_an_epoch = min(count, len(part)) if seed is None else count
        self.transform = transform
        if seed is not None:
            self.sides = np.random.default_rng([seed, 0, 0, SIDES]).integers(2, size=len(part))
        self.start_epoch(0)

    @property
    def num_batches(self) -> int:
        return math.ceil(self.images_an_epoch / self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        """Choose the images of an epoch, counted from 0."""
        self.epoch = epoch
        size, count = len(self.images), self.images_an_epoch
        if self.seed is None:
            self.rows = np.arange(count)
            return
        first_pass, skip = divmod(epoch * count, size)
        passes = range(first_pass, first_pass + math.ceil((skip + count) / size))
        orders = [np.random.default_rng([self.seed, number]).permutation(size) for number in passes]
        self.rows = np.concatenate(orders)[skip : skip + count]
        self.passes = np.repeat(passes, size)[skip : skip + count]

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [n, 32, 32, 3], or their features, and labels float32 [n]."""
        places = slice(step * self.batch_size, (step + 1) * self.batch_size)
        rows = self.rows[places]
        images, labels = self.images[rows], self.labels[rows]
        if self.transform is None or self.seed is None:
            return images, labels
        random = np.random.default_rng([self.seed, self.epoch, step, CHANGES])
        return self.transform(random, images, labels, self.sides[rows] + self.passes[places])


def feed(batches: Batches) -> Any:
    """The fastest input for ``fit``: a tf.data pipeline on TensorFlow, the batches elsewhere.

    Keras also makes a tf.data pipeline of the batches, but an autotuned one. Closing it after an epoch
    often waits for the autotuner's next tick, 2.6, 5.1, 10 or 20 s after the start of the epoch.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    types = (tf.as_dtype(batches.images.dtype), tf.float32)

    def take(step: Any) -> Any:
        images, labels = tf.numpy_function(batches.__getitem__, [step], types, stateful=False)
        images.set_shape((None, *batches.images.shape[1:]))
        labels.set_shape((None,))
        return images, labels

    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        tf.data.Dataset.range(batches.num_batches)  # Keras opens it twice an epoch: that has to be cheap
        .map(take)
        .prefetch(PREFETCHED_BATCHES)
        .with_options(options)
    )
