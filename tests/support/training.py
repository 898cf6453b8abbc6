"""Trainings that are stopped and resumed in one process."""

import keras

from cifake.config import load as load_settings
from cifake.models import build_model
from cifake.training import fit
from tests.support.project import EXPERIMENTS

SMALL = {"model.filters": [4], "model.dense": [8], "epochs": 2, "steps_per_epoch": 6, "validation_steps": 3}


class StoppedError(Exception):
    pass


def train_in_pieces(data, file, stops, **overrides):
    """Train with a new model after each epoch in ``stops``, as a new process has it."""
    settings = load_settings(EXPERIMENTS / "base.yaml", {**SMALL, **overrides})
    for stop in (*stops, None):
        keras.utils.set_random_seed(settings.seed)
        model = build_model(settings)
        epochs = []

        def on_epoch_end(epoch, metrics, stop=stop, epochs=epochs):
            if epoch == stop:
                raise StoppedError
            epochs.append((epoch, metrics))

        try:
            fitted = fit(model, data, settings, on_epoch_end, checkpoint=file)
        except StoppedError:
            continue
    return model, fitted, epochs
