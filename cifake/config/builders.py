"""What each builder of models may be told, and within which range."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from cifake.contract import IMAGE_SIDE

Value = TypeVar("Value")
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Activation = Literal["relu", "sigmoid", "tanh", "elu", "gelu", "silu"]
Initializer = Literal["glorot_uniform", "he_normal", "by_activation"]
# One value for all layers, or a list of one value a layer.
PerLayer = Annotated[
    Annotated[Value, Tag("one")] | Annotated[list[Value], Tag("each")],
    Discriminator(lambda value: "each" if isinstance(value, list) else "one"),
]
Layers = Annotated[
    Annotated[int, Field(ge=0), Tag("number")] | Annotated[Literal["all"], Tag("word")],
    Discriminator(lambda value: "word" if isinstance(value, str) else "number"),
]
# Names that pydantic gives the members of a union; they are no part of a setting's key.
TAGS = frozenset(
    {"one", "each", "number", "word", "range", "like", "choice", "int", "float", "cnn", "transfer"}
)


class Strict(BaseModel):
    """Refuses unknown keys and silent conversions, cannot be changed once made."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class CnnSettings(Strict):
    """Convolutions, each followed by 2x2 max pooling, then dropout and dense layers.

    What has one value a layer may be given as a list or, for all layers alike, as one value.
    """

    builder: Literal["cnn"] = Field(description="the function that makes the model: cnn or transfer")
    filters: list[Count] = Field(min_length=1, description="filters of each convolution")
    kernel_size: PerLayer[Count] = Field(3, description="side of the convolutions, in pixels")
    padding: Literal["valid", "same"] = Field("valid", description="padding of the convolutions")
    activation: PerLayer[Activation] = Field("relu", description="activation of the convolutions")
    kernel_initializer: Initializer = Field(
        "glorot_uniform", description="by_activation is he_normal for ReLU, glorot_uniform for others"
    )
    dense: list[Count] = Field(description="units of each dense layer before the output")
    dense_activation: PerLayer[Activation] = Field("relu", description="activation of the dense layers")
    dense_dropout: PerLayer[Share] = Field(0.0, description="dropout after the dense layers")
    dropout: Share = Field(0.0, description="before the dense layers (cnn), after the first (transfer)")

    @model_validator(mode="after")
    def _something_is_left(self) -> "CnnSettings":
        for name in ("kernel_size", "activation"):
            _check_length(name, getattr(self, name), "filters", self.filters)
        for name in ("dense_activation", "dense_dropout"):
            _check_length(name, getattr(self, name), "dense", self.dense)
        side = IMAGE_SIDE
        for kernel_size in per_layer(self.kernel_size, self.filters):
            side = (side if self.padding == "same" else side - kernel_size + 1) // 2
        if side < 1:
            raise ValueError(
                f"{len(self.filters)} convolutions of kernel_size {self.kernel_size} with pooling leave "
                "nothing of a 32x32 image; use fewer, smaller ones, or padding: same"
            )
        return self


class TransferSettings(Strict):
    """A backbone of keras.applications, pooled over the image, then dense layers."""

    builder: Literal["transfer"] = Field(description="the function that makes the model: cnn or transfer")
    backbone: str = Field(description="a model of keras.applications, such as MobileNetV2")
    weights: str = Field("imagenet", description="imagenet, none (random) or a file for the backbone")
    trainable_layers: Layers = Field(0, description="layers of the backbone, from its end, to train; or all")
    image_size: Count | None = Field(
        None, description="side that images are resized to, in pixels; null is the backbone's own"
    )
    batch_norm: bool = Field(False, description="normalise the pooled features by batch")
    dense: list[Count] = Field(description="units of each dense layer before the output")
    dense_activation: Activation = Field("relu", description="activation of the dense layers")
    l2: float = Field(0.0, ge=0, description="L2 penalty on the first dense layer's weights")
    dropout: Share = Field(0.0, description="before the dense layers (cnn), after the first (transfer)")


def per_layer(value: Any, layers: Sequence[Any]) -> list[Any]:
    """A setting's value for each of the layers, whether given once or as a list."""
    return list(value) if isinstance(value, list) else [value] * len(layers)


def _check_length(name: str, value: Any, layers_name: str, layers: Sequence[Any]) -> None:
    if isinstance(value, list) and len(value) != len(layers):
        raise ValueError(
            f"expected one value or {len(layers)} in {name}, as many as in {layers_name}, received {value}"
        )
