"""The optimizer that settings describe."""

from typing import Any

import keras

from cifake.config import Settings
from cifake.training.schedules import make_schedule

NOT_DECAYED = ["bias", "beta", "gamma"]  # offsets, and the scales of normalisation


def make_optimizer(settings: Settings, steps_per_epoch: int, first_epoch: int = 0) -> keras.Optimizer:
    """A Keras optimizer, not built.

    Args:
        settings: optimizer, learning rate, schedule, momentum, weight decay, clipping and average.
        steps_per_epoch: batches an epoch.
        first_epoch: the epoch at which it starts to count its steps.
    """
    optional: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "momentum": settings.momentum or None,
        "nesterov": settings.nesterov or None,
        "weight_decay": settings.weight_decay,
        "clipnorm": settings.clipnorm,
        "use_ema": bool(settings.ema) or None,
        "ema_momentum": settings.ema or None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    optimizer = type(keras.optimizers.get(settings.optimizer))(**given)
    if settings.schedule:
        rate = float(optimizer.learning_rate)
        optimizer.learning_rate = make_schedule(
            settings.schedule, rate, settings.epochs, steps_per_epoch, first_epoch
        )
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer
