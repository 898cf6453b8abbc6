"""Feed images to Keras straight from the memory-mapped data set."""

import math
from typing import Any

import keras
import numpy as np

from cifake.data import Part

PREFETCHED_BATCHES = 4


class Batches(keras.utils.PyDataset):
    """Batches that go round the images for ever, so that no epoch is ever empty.

    Which images an epoch holds depends on the seed and the epoch's number alone.

    Args:
        part: images and labels.
        batch_size: images a batch.
        steps: batches an epoch; None is one pass over the images, with a smaller last batch.
        seed: orders each pass anew. None is for validation: every epoch holds the first images
            in the part's order, none of them twice.
    """

    def __init__(self, part: Part, batch_size: int, steps: int | None, seed: int | None = None) -> None:
        super().__init__()
        self.images = np.asarray(part.images)  # the same memory; indexing a memmap object is slow
        self.labels = part.labels.astype("float32")
        self.batch_size = batch_size
        self.seed = seed
        count = steps * batch_size if steps else len(part)
        self.images_an_epoch = min(count, len(part)) if seed is None else count
        self.start_epoch(0)

    @property
    def num_batches(self) -> int:
        return math.ceil(self.images_an_epoch / self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        """Choose the images of an epoch, counted from 0."""
        size, count = len(self.images), self.images_an_epoch
        if self.seed is None:
            self.rows = np.arange(count)
            return
        first_pass, skip = divmod(epoch * count, size)
        passes = range(first_pass, first_pass + math.ceil((skip + count) / size))
        orders = [np.random.default_rng([self.seed, number]).permutation(size) for number in passes]
        self.rows = np.concatenate(orders)[skip : skip + count]

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [n, 32, 32, 3], or their features, and labels float32 [n]."""
        rows = self.rows[step * self.batch_size : (step + 1) * self.batch_size]
        return self.images[rows], self.labels[rows]


def feed(batches: Batches) -> Any:
    """What ``fit`` reads fastest: a tf.data pipeline on TensorFlow, the batches elsewhere.

    Keras would make a tf.data pipeline of the batches, too, but one that tunes itself; closing
    that after an epoch often waits for the tuner's next tick, 2.6 s, 5.1 s, 10 s or 20 s after
    the epoch began.
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
        tf.data.Dataset.range(batches.num_batches)  # Keras opens it anew twice an epoch: it has to be cheap
        .map(take)
        .prefetch(PREFETCHED_BATCHES)
        .with_options(options)
    )
