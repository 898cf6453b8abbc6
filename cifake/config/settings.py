"""All settings of a training, with their ranges."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, PrivateAttr, model_validator

from cifake.config.augmentation_settings import AugmentationSettings
from cifake.config.builders import CnnSettings, ResidualSettings, TransferSettings
from cifake.config.fields import (
    Count,
    DatasetChoice,
    DatasetName,
    Fraction,
    Resize,
    Strict,
    ValidationMetric,
    added,
    without_added_defaults,
)
from cifake.config.mappings import flatten, merge, nest
from cifake.config.schedule_settings import ScheduleSettings
from cifake.config.search_space import AnyDimension, TunerSettings
from cifake.contract import CIFAKE, DEMO

# Settings that are not part of config_hash; the data's digest tells how images were resized.
NOT_HASHED = ("seed", "export", "robustness", "resize")


class AdversarialSettings(Strict):
    """Training on attacked images, within epsilon of each pixel (L-infinity)."""

    attack: Literal["fgsm", "pgd"] = Field(description="one step, or several, from a random start")
    epsilon: float = Field(gt=0, le=255, description="largest change of a pixel, in steps of 1/255")
    steps: Count = Field(1, description="gradients an image, of pgd")


class Settings(Strict):
    """All settings of a training run; their defaults are in experiments/defaults.yaml."""

    dataset: DatasetChoice = Field(
        description="auto takes what is found, or else the demo images; cifake takes CIFAKE alone, other "
        "anything else"
    )
    dataset_name: DatasetName | None = added(
        None,
        description="of images other than CIFAKE; null is the name of their folder or archive",
    )
    resize: Resize = Field(
        "prepare",
        description="prepare makes images of other sizes and formats like CIFAKE's; refuse takes all as they "
        "are, and none but RGB of 32 x 32 pixels",
    )
    split: Literal["full", "small", "all"] = Field(
        description="full is 80,000/20,000/20,000 images, small 800/735/1,000, all 95,000/5,000/20,000"
    )
    seed: int = Field(ge=0, lt=2**32, description="of weights, shuffling, augmentation and dropout")
    model: CnnSettings | ResidualSettings | TransferSettings = Field(discriminator="builder")
    augmentation: AugmentationSettings
    label_smoothing: Fraction = added(0.0, description="of training labels: 0.1 trains on 0.05 and 0.95")
    adversarial: AdversarialSettings | None = added(
        None, description="attack that training images undergo; null trains on clean images"
    )
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = Field(
        description="Keras optimizer, at its defaults"
    )
    learning_rate: float | None = Field(gt=0, description="null is the optimizer's Keras default")
    schedule: ScheduleSettings | None = added(
        None, description="how the learning rate changes; null is a constant rate"
    )
    momentum: Fraction = added(0.0, description="of sgd and rmsprop")
    nesterov: bool = added(False, description="Nesterov momentum, of sgd")
    weight_decay: float | None = added(
        None, ge=0, description="decoupled, of kernels alone; null is the optimizer's Keras default"
    )
    clipnorm: float | None = added(None, gt=0, description="largest norm of each weight's gradient")
    ema: Fraction = added(
        0.0, description="decay of a moving average of the weights, which is validated and kept; 0 is none"
    )
    batch_size: Count = Field(description="images a training step")
    epochs: Count = Field(description="passes, or rounds of steps_per_epoch batches")
    steps_per_epoch: Count | None = Field(description="batches an epoch; null is one pass")
    validation_steps: Count | None = Field(description="validation batches; null is all of them")
    monitor: ValidationMetric = Field(description="the metric that chooses the best epoch")
    patience: Count | None = Field(
        description="epochs without improvement before stopping; null never stops early"
    )
    restore_best_weights: bool = Field(description="keep the best epoch instead of the last")
    precision: Literal["float32", "bfloat16"] = Field(description="of the arithmetic; weights stay float32")
    predict_flips: bool = added(
        False, description="the finished model averages the logits of an image and its mirror image"
    )
    export: Literal["keras", "h5"] | None = Field(description="also write the model as one file of this kind")
    robustness: bool = Field(
        False, description="also test the finished model under perturbations and attacks"
    )
    tuner: TunerSettings | None = Field(description="the search and its budget; null trains without one")
    search: dict[str, AnyDimension] | None = Field(description="settings to search, each with its range")
    _purpose: str = PrivateAttr("")  # no setting: nothing that is computed depends on it

    @property
    def purpose(self) -> str:
        """Why there is this variant: the comment on top of its file."""
        return self._purpose

    @model_validator(mode="after")
    def _possible(self) -> "Settings":
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum: expected optimizer sgd or rmsprop, received {self.optimizer}")
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise ValueError("nesterov: expected optimizer sgd with momentum above 0, received another")
        if self.schedule:
            epochs = min(self.epochs, self.tuner.epochs) if self.tuner else self.epochs
            if self.schedule.warmup_epochs >= epochs:
                raise ValueError(
                    f"schedule.warmup_epochs: expected less than the {epochs} epochs, "
                    f"received {self.schedule.warmup_epochs}"
                )
            if self.schedule.milestones and self.schedule.milestones[-1] >= self.epochs:
                raise ValueError(
                    f"schedule.milestones: expected less than the {self.epochs} epochs, "
                    f"received {self.schedule.milestones}"
                )
        if self.adversarial and self.adversarial.attack == "fgsm" and self.adversarial.steps != 1:
            raise ValueError(f"adversarial.steps: expected 1 for fgsm, received {self.adversarial.steps}")
        if self.augmentation.mixes:
            if self.adversarial:
                raise ValueError("adversarial: expected no mixup and no cutmix; an attack needs one label")
            if isinstance(self.model, TransferSettings) and self.model.trainable_layers == 0:
                raise ValueError(
                    "augmentation: expected no mixup and no cutmix on a frozen backbone; "
                    "set model.trainable_layers above 0"
                )
        return self

    @property
    def load_arguments(self) -> dict[str, Any]:
        """Which data set to load, and how: the arguments of ``cifake.data.load``."""
        return {name: getattr(self, name) for name in ("dataset", "split", "dataset_name", "resize")}

    def with_dataset(self, name: str) -> "Settings":
        """These settings with the name of the data set that was found."""
        if name in (CIFAKE, DEMO):
            return self.model_copy(update={"dataset": name, "dataset_name": None})
        return self.model_copy(update={"dataset": "other", "dataset_name": name})

    def at(self, point: Mapping[str, Any]) -> "Settings":
        """These settings without the search, at one point of its space: values by dotted key."""
        values: dict[str, Any] = {**self.model_dump(), "search": None, "tuner": None}
        for key, value in point.items():
            values = merge(values, nest(key, value))
        return Settings.model_validate(values)

    def flat(self) -> dict[str, Any]:
        """Settings by dotted key, as MLflow params hold them."""
        return flatten(self.model_dump())

    def config_hash(self) -> str:
        """Hash of all settings that decide the scores, except the seed: runs that share it are repeats."""
        values = without_added_defaults(self)
        for name in NOT_HASHED:
            del values[name]
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_yaml(self) -> str:
        """Settings as a YAML document that resolves to the same settings."""
        comment = f"# {self.purpose}\n" if self.purpose else ""
        return comment + yaml.safe_dump(self.model_dump(), sort_keys=False, default_flow_style=None)


def known_keys(builder: str | None = None) -> list[str]:
    """All settings by dotted key; with a builder, without those of other builders."""
    return [key for key, _ in describe_settings(builder=builder)]


def describe_settings(
    cls: type[BaseModel] = Settings, prefix: str = "", builder: str | None = None
) -> list[tuple[str, str]]:
    """All settings by dotted key, each with its description."""
    rows: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        members = get_args(field.annotation) or (field.annotation,)
        parts = [part for part in members if isinstance(part, type) and issubclass(part, BaseModel)]
        for part in parts:
            if len(parts) == 1 or builder in (None, *get_args(part.model_fields["builder"].annotation)):
                inner = describe_settings(part, f"{prefix}{name}.")
                rows |= {key: text for key, text in inner if key not in rows}
        if not parts:
            rows[prefix + name] = field.description or ""
    return list(rows.items())
