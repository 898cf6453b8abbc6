"""What a variant may set, and within which range: the gate every value passes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, PrivateAttr

from cifake.config.builders import CnnSettings, Count, Share, Strict, TransferSettings
from cifake.config.mappings import flatten, merge, nest
from cifake.config.search_space import AnyDimension
from cifake.config.tuner import TunerSettings

DEGRADATIONS = ("noise", "blur", "jpeg")  # kinds of augmentation that leave every pixel where it is


class AugmentationSettings(Strict):
    """Random changes of training images, affine ones and loss of quality; 0 turns one off."""

    rotation: float = Field(ge=0, le=180, description="largest rotation, in degrees")
    shift: Share = Field(description="largest shift, as a share of the side")
    shear: float = Field(ge=0, lt=90, description="largest shear, in degrees")
    zoom: Share = Field(description="largest zoom in or out, as a share of the side")
    horizontal_flip: bool = Field(description="mirror half of the images")
    noise: Share = Field(0.0, description="largest sigma of Gaussian noise, as a share of the range")
    blur: float = Field(0.0, ge=0, description="largest sigma of a Gaussian blur, in pixels")
    jpeg: Share = Field(0.0, description="largest JPEG-like loss: 0.7 is down to quality 30")


class AdversarialSettings(Strict):
    """Training on attacked images, within epsilon of each pixel (L-infinity)."""

    attack: Literal["fgsm", "pgd"] = Field(description="one step, or several, from a random start")
    epsilon: float = Field(gt=0, le=255, description="largest change of a pixel, in steps of 1/255")
    steps: Count = Field(1, description="gradients an image, of pgd")


class Settings(Strict):
    """Everything that decides a training run; defaults stand in experiments/defaults.yaml."""

    dataset: Literal["auto", "cifake", "demo"] = Field(
        description="auto falls back to the demo images when CIFAKE is not found"
    )
    split: Literal["full", "small"] = Field(
        description="full is 80,000/20,000/20,000 images, small is 800/735/1,000"
    )
    seed: int = Field(ge=0, lt=2**32, description="of weights, shuffling, augmentation, dropout")
    model: CnnSettings | TransferSettings = Field(discriminator="builder")
    augmentation: AugmentationSettings
    adversarial: AdversarialSettings | None = Field(
        None, description="train on images attacked so; null trains on clean ones"
    )
    optimizer: Literal["adam", "sgd"] = Field(description="Keras optimizer, at its defaults")
    learning_rate: float | None = Field(gt=0, description="null is the optimizer's Keras default")
    batch_size: Count = Field(description="images a training step")
    epochs: Count = Field(description="passes, or rounds of steps_per_epoch batches")
    steps_per_epoch: Count | None = Field(description="batches an epoch; null is one pass")
    validation_steps: Count | None = Field(description="validation batches; null is all of them")
    monitor: Literal["val/loss", "val/accuracy", "val/precision", "val/recall"] = Field(
        description="the metric that chooses the best epoch"
    )
    patience: Count | None = Field(
        description="epochs without improvement before stopping; null never stops early"
    )
    restore_best_weights: bool = Field(description="keep the best epoch instead of the last")
    precision: Literal["float32", "bfloat16"] = Field(description="of the arithmetic; weights stay float32")
    export: Literal["keras", "h5"] | None = Field(description="also write the model as one file of this kind")
    robustness: bool = Field(
        False, description="test the finished model under perturbations and attacks, too"
    )
    tuner: TunerSettings | None = Field(description="who searches, how long; null trains without a search")
    search: dict[str, AnyDimension] | None = Field(description="settings to search, each with its range")
    _purpose: str = PrivateAttr("")  # no setting: nothing that is computed depends on it

    @property
    def purpose(self) -> str:
        """Why there is this variant: the comment on top of its file."""
        return self._purpose

    def at(self, point: Mapping[str, Any]) -> "Settings":
        """These settings without the search, at one point of its space.

        Args:
            point: values by dotted key.

        Raises:
            ValidationError: a value that its setting does not take.
        """
        values: dict[str, Any] = {**self.model_dump(), "search": None, "tuner": None}
        for key, value in point.items():
            values = merge(values, nest(key, value))
        return Settings.model_validate(values)

    def flat(self) -> dict[str, Any]:
        """Settings by dotted key, as MLflow params hold them."""
        return flatten(self.model_dump())

    def config_hash(self) -> str:
        """Name of all that decides the scores but the seed: runs that share it are repeats."""
        values = self.model_dump(exclude={"seed", "export", "robustness"})
        # What came later is no part of the name while it is off, so that earlier runs are repeats still.
        if self.adversarial is None:
            del values["adversarial"]
        for name in DEGRADATIONS:
            if not values["augmentation"][name]:
                del values["augmentation"][name]
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_yaml(self) -> str:
        """Settings as a YAML document that resolves to the same settings."""
        comment = f"# {self.purpose}\n" if self.purpose else ""
        return comment + yaml.safe_dump(self.model_dump(), sort_keys=False, default_flow_style=None)


def known_keys(builder: str | None = None) -> list[str]:
    """Every setting there is, dotted; with a builder, without the other builders' settings."""
    return [key for key, _ in describe_settings(builder=builder)]


def describe_settings(
    cls: type[BaseModel] = Settings, prefix: str = "", builder: str | None = None
) -> list[tuple[str, str]]:
    """Every setting, dotted, with what it means."""
    rows: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        parts = [part for part in (get_args(field.annotation) or (field.annotation,)) if _is_settings(part)]
        for part in parts:
            if len(parts) == 1 or builder in (None, *get_args(part.model_fields["builder"].annotation)):
                inner = describe_settings(part, f"{prefix}{name}.")
                rows |= {key: text for key, text in inner if key not in rows}
        if not parts:
            rows[prefix + name] = field.description or ""
    return list(rows.items())


def _is_settings(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
