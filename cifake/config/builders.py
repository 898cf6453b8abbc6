"""Settings of each model builder."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Discriminator, Field, Tag, model_validator

from cifake.config.fields import Count, Fraction, Strict, added
from cifake.contract import IMAGE_SIDE

Value = TypeVar("Value")
Activation = Literal["relu", "sigmoid", "tanh", "elu", "gelu", "silu"]
Initializer = Literal["glorot_uniform", "he_normal", "by_activation"]
# One value for all layers, or a list with one value per layer.
PerLayer = Annotated[
    Annotated[Value, Tag("one")] | Annotated[list[Value], Tag("each")],
    Discriminator(lambda value: "each" if isinstance(value, list) else "one"),
]
Layers = Annotated[
    Annotated[int, Field(ge=0), Tag("number")] | Annotated[Literal["all"], Tag("word")],
    Discriminator(lambda value: "word" if isinstance(value, str) else "number"),
]
BUILDERS = ("cnn", "residual", "transfer")
# Names that pydantic gives the members of a union; they are not part of a setting's key.
TAGS = frozenset({"one", "each", "number", "word", "range", "like", "choice", "int", "float", *BUILDERS})
BUILDER = f"the function that makes the model: {', '.join(BUILDERS)}"
DROPOUT = "before the dense layers (cnn, residual), after the first (transfer)"
GROUPS = 8  # of group normalisation
FILTERS = "filters of each convolution (cnn), or of each stage (residual)"
BATCH_NORM = "batch normalisation of the convolutions (cnn), or of the pooled features (transfer)"
MOMENTUM = "of batch normalisation; null is Keras' default, and freezes a pretrained backbone's statistics"


class CnnSettings(Strict):
    """Convolutions, each followed by 2x2 max pooling, then dropout and dense layers.

    A setting per layer is either one value for all layers, or a list with one value each.
    """

    builder: Literal["cnn"] = Field(description=BUILDER)
    filters: list[Count] = Field(min_length=1, description=FILTERS)
    kernel_size: PerLayer[Count] = Field(3, description="side of the convolutions, in pixels")
    padding: Literal["valid", "same"] = Field("valid", description="padding of the convolutions")
    activation: PerLayer[Activation] = Field("relu", description="activation of the convolutions")
    kernel_initializer: Initializer = Field(
        "glorot_uniform", description="by_activation is he_normal for ReLU, glorot_uniform for others"
    )
    dense: list[Count] = Field(description="units of each dense layer before the output")
    dense_activation: PerLayer[Activation] = Field("relu", description="activation of the dense layers")
    dense_dropout: PerLayer[Fraction] = Field(0.0, description="dropout after the dense layers")
    dropout: Fraction = Field(0.0, description=DROPOUT)

    batch_norm: bool = added(False, description=BATCH_NORM)
    batch_norm_momentum: Fraction | None = added(None, description=MOMENTUM)

    @model_validator(mode="after")
    def _possible(self) -> "CnnSettings":
        _check_momentum(self.batch_norm_momentum, self.batch_norm, "batch_norm: true")
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


class ResidualSettings(Strict):
    """A stem, stages of residual blocks (He et al. 2016), pooling over the image, then dense layers.

    A stage pools, widens with one convolution unless it has its width already, and then has its blocks:
    two convolutions each, whose result is added to their input.
    """

    builder: Literal["residual"] = Field(description=BUILDER)
    stem: Count = Field(description="filters of the first convolution, at full resolution")
    stem_kernel_size: Count = Field(3, description="side of the first convolution, in pixels")
    filters: list[Count] = Field(min_length=1, description=FILTERS)
    blocks: PerLayer[Annotated[int, Field(ge=0)]] = Field(1, description="residual blocks of each stage")
    kernel_size: PerLayer[Count] = Field(3, description="side of the convolutions, in pixels")
    downsample: PerLayer[bool] = Field(True, description="whether each stage starts with 2x2 pooling")
    pooling: Literal["average", "max"] = Field("average", description="kind of the 2x2 pooling")
    global_pooling: Literal["average", "max"] = Field(
        "average", description="kind of the pooling over the whole image, at the end"
    )
    normalisation: Literal["batch", "group", "none"] = Field(
        "batch", description="of the convolutions: by batch, in 8 groups of filters, or none"
    )
    skip_connections: bool = Field(
        True, description="false keeps the layers of a block, but not the addition"
    )
    activation: Activation = Field("relu", description="activation of the convolutions")
    dropout: Fraction = Field(0.0, description=DROPOUT)
    dense: list[Count] = Field([], description="units of each dense layer before the output")
    dense_activation: Activation = Field("relu", description="activation of the dense layers")
    batch_norm_momentum: Fraction | None = Field(None, description=MOMENTUM)

    @model_validator(mode="after")
    def _possible(self) -> "ResidualSettings":
        for name in ("blocks", "kernel_size", "downsample"):
            _check_length(name, getattr(self, name), "filters", self.filters)
        _check_momentum(self.batch_norm_momentum, self.normalisation == "batch", "normalisation: batch")
        halvings = sum(per_layer(self.downsample, self.filters))
        if IMAGE_SIDE >> halvings < 1:
            raise ValueError(
                f"pooling in {halvings} stages leaves nothing of a {IMAGE_SIDE}x{IMAGE_SIDE} image; "
                "set downsample: false in some"
            )
        odd = [filters for filters in (self.stem, *self.filters) if filters % GROUPS]
        if self.normalisation == "group" and odd:
            raise ValueError(
                f"expected multiples of {GROUPS} filters for group normalisation, received {odd[0]}"
            )
        return self


class TransferSettings(Strict):
    """A backbone of keras.applications, pooled over the image, then dense layers."""

    builder: Literal["transfer"] = Field(description=BUILDER)
    backbone: str = Field(description="a model of keras.applications, such as MobileNetV2")
    weights: str = Field("imagenet", description="imagenet, none (random) or a file for the backbone")
    trainable_layers: Layers = Field(0, description="layers of the backbone, from its end, to train; or all")
    image_size: Count | None = Field(
        None, description="side that images are resized to, in pixels; null is the backbone's own"
    )
    batch_norm: bool = Field(False, description=BATCH_NORM)
    dense: list[Count] = Field(description="units of each dense layer before the output")
    dense_activation: Activation = Field("relu", description="activation of the dense layers")
    l2: float = Field(0.0, ge=0, description="L2 penalty on the first dense layer's weights")
    dropout: Fraction = Field(0.0, description=DROPOUT)
    batch_norm_momentum: Fraction | None = added(None, description=MOMENTUM)

    @model_validator(mode="after")
    def _possible(self) -> "TransferSettings":
        learned = self.batch_norm or self.trainable_layers != 0
        _check_momentum(self.batch_norm_momentum, learned, "batch_norm: true or trainable_layers above 0")
        return self


def per_layer(value: Any, layers: Sequence[Any]) -> list[Any]:
    """A setting's value for each of the layers, whether given once or as a list."""
    return list(value) if isinstance(value, list) else [value] * len(layers)


def _check_length(name: str, value: Any, layers_name: str, layers: Sequence[Any]) -> None:
    if isinstance(value, list) and len(value) != len(layers):
        raise ValueError(
            f"expected one value or {len(layers)} in {name}, as many as in {layers_name}, received {value}"
        )


def _check_momentum(momentum: float | None, has_batch_norm: bool, remedy: str) -> None:
    if momentum is not None and not has_batch_norm:
        raise ValueError(f"expected {remedy} with batch_norm_momentum, received batch_norm_momentum alone")
