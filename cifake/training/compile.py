"""Compile a model for training."""

from typing import Any

import keras

from cifake.config import Settings
from cifake.training.optimizer import make_optimizer

# Measured in benchmarks/speed/training.py.
STEPS_PER_EXECUTION = 10


def compile_model(
    model: keras.Model,
    settings: Settings,
    steps_per_execution: int = STEPS_PER_EXECUTION,
    steps_per_epoch: int = 1,
    first_epoch: int = 0,
) -> None:
    """Compile a model with its optimizer (see ``make_optimizer``), its loss and the metrics of each epoch.

    A call does ``steps_per_execution`` training steps, but on PyTorch, where Keras can only do one.
    """
    model.compile(
        make_optimizer(settings, steps_per_epoch, first_epoch),
        loss="binary_crossentropy",
        metrics=[_Accuracy(name="accuracy"), _Precision(name="precision"), _Recall(name="recall")],
        steps_per_execution=1 if keras.backend.backend() == "torch" else steps_per_execution,
    )
    # TensorFlow traces a step twice if it creates variables, which takes half a second.
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, keras.ops.zeros((1,)), keras.ops.zeros((1, 1)))
    model.reset_metrics()


class _OfLikelierLabel:
    """Metrics of mixed or smoothed training labels count the likelier label."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(keras.ops.round(y_true), y_pred, sample_weight)  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="cifake")
class _Accuracy(_OfLikelierLabel, keras.metrics.BinaryAccuracy):
    pass


@keras.saving.register_keras_serializable(package="cifake")
class _Precision(_OfLikelierLabel, keras.metrics.Precision):
    pass


@keras.saving.register_keras_serializable(package="cifake")
class _Recall(_OfLikelierLabel, keras.metrics.Recall):
    pass
