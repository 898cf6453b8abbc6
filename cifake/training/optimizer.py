"""The optimizer that settings describe, and how its learning rate changes with every step."""

from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import CosineDecay, LearningRateSchedule, PiecewiseConstantDecay

from cifake.config import ScheduleSettings, Settings

NOT_DECAYED = ["bias", "beta", "gamma"]  # offsets, and the scales of normalisation


class WarmUp(LearningRateSchedule):
    """A linear warm-up, then another schedule.

    Args:
        rate: the learning rate of the warm-up's last step.
        steps: length of the warm-up; step k of them, from 1, has the rate k / steps * rate.
        after: the schedule after the warm-up, whose first step is 0.
        first_step: number of steps that an earlier training of the same weights did.
    """

    def __init__(self, rate: float, steps: int, after: LearningRateSchedule, first_step: int = 0) -> None:
        super().__init__()
        self.rate, self.steps, self.after, self.first_step = rate, steps, after, first_step

    def __call__(self, step: keras.KerasTensor) -> keras.KerasTensor:
        step = ops.cast(step, "float32") + self.first_step
        warm = self.rate * (step + 1) / max(self.steps, 1)
        return ops.where(step < self.steps, warm, self.after(ops.maximum(step - self.steps, 0)))


def make_schedule(
    settings: ScheduleSettings, rate: float, epochs: int, steps_per_epoch: int, first_epoch: int = 0
) -> WarmUp:
    """A schedule over a whole training; see ``make_optimizer``. ``rate`` is the highest learning rate."""
    warm_up = round(settings.warmup_epochs * steps_per_epoch)
    steps = max(epochs * steps_per_epoch - warm_up, 1)
    if settings.kind == "cosine":
        after = CosineDecay(rate, steps, alpha=settings.final_fraction)
    else:  # constant is step without milestones; Keras wants at least one boundary, so the end is one, too
        boundaries = [epoch * steps_per_epoch - warm_up for epoch in (*settings.milestones, epochs)]
        rates = [rate * settings.factor**number for number in range(len(boundaries))]
        # Keras changes the rate after the step at a boundary.
        after = PiecewiseConstantDecay([float(step - 1) for step in boundaries], [*rates, rates[-1]])
    return WarmUp(rate, warm_up, after, first_epoch * steps_per_epoch)


def make_optimizer(settings: Settings, steps_per_epoch: int, first_epoch: int = 0) -> keras.Optimizer:
    """A Keras optimizer, not built; it starts to count its steps at ``first_epoch``, from 0."""
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
