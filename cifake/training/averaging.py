"""Evaluate and keep the moving average of a training's weights instead of the weights themselves."""

import keras
import numpy as np
from keras import ops

# Batch statistics are estimated from so many images; thousands are enough (Wu & Johnson 2021).
IMAGES, BATCH = 2_000, 200


class Averaging(keras.callbacks.Callback):
    """Validate, and let other callbacks see, the optimizer's average of the weights (``use_ema``).

    Keras' SwapEMAWeights leaves batch normalisation the statistics of the weights that are trained, which
    do not fit their average. Here they are estimated again, as in "Rethinking 'Batch' in BatchNorm" (Wu &
    Johnson 2021), on the first of the training images. Training continues with its own weights, statistics
    and random state; with ``keep`` it ends with the average of the last epoch.

    It comes after the callbacks that see the average, and before those that see what is trained.
    """

    def __init__(self, images: np.ndarray, keep: bool) -> None:
        super().__init__()
        first = images[:IMAGES]
        self.batches = [first[start : start + BATCH] for start in range(0, len(first), BATCH)]
        self.keep = keep

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self._trained = _values(self.model)
        self._average()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for variable, value in zip(self.model.variables, self._trained, strict=True):
            variable.assign(value)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self.keep:
            self._average()

    def _average(self) -> None:
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        estimate_batch_statistics(self.model, self.batches)


def estimate_batch_statistics(model: keras.Model, batches: list[np.ndarray]) -> None:
    """Set the statistics of batch normalisation to their mean over batches of what the model takes.

    Layers run as in training; nothing else changes.
    """
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    if not layers:
        return
    statistics = {id(variable) for layer in layers for variable in layer.non_trainable_variables}
    before, momenta = _values(model), [layer.momentum for layer in layers]
    for number, batch in enumerate(batches):
        for layer in layers:
            layer.momentum = number / (number + 1)  # a cumulative mean
        model(batch, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    for variable, value in zip(model.variables, before, strict=True):
        if id(variable) not in statistics:
            variable.assign(value)  # the state of random layers


def _values(model: keras.Model) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable)) for variable in model.variables]
