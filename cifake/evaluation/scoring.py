"""Scores of a model on images, and its latency."""

import statistics
import time

import keras
import numpy as np

PREDICTION_BATCH = 500
LATENCY_REPEATS = 30


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predict the probability of FAKE.

    Args:
        model: maps uint8 [n, 32, 32, 3] to float32 [n, 1].
        images: uint8 [n, 32, 32, 3].

    Returns:
        float32 [n].
    """
    starts = range(0, len(images), PREDICTION_BATCH)
    batches = [np.asarray(images[start : start + PREDICTION_BATCH]) for start in starts]
    return np.concatenate([model.predict_on_batch(batch)[:, 0] for batch in batches])


def latency_ms(model: keras.Model, image: np.ndarray) -> float:
    """Median time to score one image, in milliseconds, over 30 calls after a warm-up call."""
    seconds = []
    for _ in range(LATENCY_REPEATS + 1):
        start = time.perf_counter()
        model.predict_on_batch(image[None])
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[1:])
