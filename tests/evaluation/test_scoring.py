import time

import keras
import numpy as np
import pytest

from cifake.evaluation.scoring import latency_ms


class Disturbed(keras.Sequential):
    """A model that other processes delay, in nine calls of ten."""

    calls = 0

    def predict_on_batch(self, images):
        self.calls += 1
        time.sleep(0.001 if self.calls % 10 == 0 else 0.02)
        return np.zeros((len(images), 1))


def test_latency_is_that_of_calls_that_nothing_delays():
    model = Disturbed()
    assert 1 <= latency_ms(model, np.zeros((32, 32, 3), np.uint8)) < 10
    assert model.calls == pytest.approx(160, abs=40)  # it ends after three seconds
