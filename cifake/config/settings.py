"""What a variant may set, and within which range: the gate every value passes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Activation = Literal["relu", "sigmoid", "tanh", "elu", "gelu", "silu"]


class Strict(BaseModel):
    """Refuses unknown keys and silent conversions, cannot be changed once made."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class CnnSettings(Strict):
    """Convolutions, each followed by 2x2 max pooling, then dropout and dense layers."""

    builder: Literal["cnn"] = Field(description="the function that makes the model")
    filters: list[Count] = Field(min_length=1, description="filters of each convolution")
    kernel_size: Count = Field(3, description="side of the convolutions, in pixels")
    padding: Literal["valid", "same"] = Field("valid", description="padding of the convolutions")
    activation: Activation = Field("relu", description="activation of the convolutions")
    dense: list[Count] = Field(description="units of each dense layer before the output")
    dense_activation: Activation = Field("relu", description="activation of the dense layers")
    dropout: Share = Field(0.0, description="dropout before the dense layers")

    @model_validator(mode="after")
    def _something_is_left(self) -> "CnnSettings":
        side = 32
        for _ in self.filters:
            side = (side if self.padding == "same" else side - self.kernel_size + 1) // 2
        if side < 1:
            raise ValueError(
                f"{len(self.filters)} convolutions of kernel_size {self.kernel_size} with pooling leave "
                "nothing of a 32x32 image; use fewer, smaller ones, or padding: same"
            )
        return self


class AugmentationSettings(Strict):
    """Random affine changes of training images; 0 turns one off."""

    rotation: float = Field(ge=0, le=180, description="largest rotation, in degrees")
    shift: Share = Field(description="largest shift, as a share of the side")
    shear: float = Field(ge=0, lt=90, description="largest shear, in degrees")
    zoom: Share = Field(description="largest zoom in or out, as a share of the side")
    horizontal_flip: bool = Field(description="mirror half of the images")


class Settings(Strict):
    """Everything that decides a training run; defaults stand in experiments/defaults.yaml."""

    dataset: Literal["auto", "cifake", "demo"] = Field(
        description="auto falls back to the demo images when CIFAKE is not found"
    )
    split: Literal["full", "small"] = Field(
        description="full is 80,000/20,000/20,000 images, small is 800/735/1,000"
    )
    seed: int = Field(ge=0, lt=2**32, description="of weights, shuffling, augmentation, dropout")
    model: CnnSettings
    augmentation: AugmentationSettings
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

    def flat(self) -> dict[str, Any]:
        """Settings by dotted key, as MLflow params hold them."""
        return flatten(self.model_dump())

    def config_hash(self) -> str:
        """Name of everything but the seed: runs that share it are repeats of each other."""
        text = json.dumps(self.model_dump(exclude={"seed"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_yaml(self) -> str:
        """Settings as a YAML document that resolves to the same settings."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False, default_flow_style=None)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def known_keys() -> list[str]:
    """Every setting there is, dotted."""
    return [key for key, _ in describe_settings()]


def describe_settings(cls: type[BaseModel] = Settings, prefix: str = "") -> list[tuple[str, str]]:
    """Every setting, dotted, with what it means."""
    rows = []
    for name, field in cls.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            rows += describe_settings(field.annotation, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, field.description or ""))
    return rows
