"""Random changes of training images."""

from typing import Any, Literal

from pydantic import Field, model_validator

from cifake.config.fields import Fraction, Probability, Strict, added

AFFINE = ("rotation", "shift", "shear", "zoom")  # resample the image
DEGRADATIONS = ("noise", "blur", "jpeg")  # change values, and leave every pixel where it is


class AugmentationSettings(Strict):
    """Random changes of training images; 0 turns one off."""

    rotation: float = Field(ge=0, le=180, description="largest rotation, in degrees")
    shift: Fraction = Field(description="largest shift, as a fraction of the side")
    shear: float = Field(ge=0, lt=90, description="largest shear, in degrees")
    zoom: Fraction = Field(description="largest zoom in or out, as a fraction of the side")
    horizontal_flip: Literal[False, True, "alternating"] = Field(
        description="true mirrors half of the images; alternating each of them in every other epoch"
    )
    noise: Fraction = added(0.0, description="largest sigma of Gaussian noise, as a fraction of the range")
    blur: float = added(0.0, ge=0, description="largest sigma of a Gaussian blur, in pixels")
    jpeg: Fraction = added(0.0, description="largest JPEG-like loss: 0.7 is down to quality 30")
    crop: int = added(0, ge=0, le=16, description="largest shift of a crop, in pixels, borders reflected")
    crop_step: int = added(1, ge=1, le=16, description="crops shift by multiples of it; 8 keeps JPEG's grid")
    crop_probability: Probability = added(1.0, description="of a crop, for each image")
    cutout: int = added(0, ge=0, le=32, description="side of a square painted grey, in pixels")
    cutout_probability: Probability = added(1.0, description="of a cutout, for each image")
    mixup: float = added(0.0, ge=0, description="alpha of mixup: blends images and labels")
    mixup_probability: Probability = added(1.0, description="of mixup, for each batch")
    cutmix: float = added(0.0, ge=0, description="alpha of CutMix: pastes rectangles, and mixes labels")
    cutmix_probability: Probability = added(1.0, description="of CutMix, for each batch")

    @model_validator(mode="after")
    def _possible(self) -> "AugmentationSettings":
        if self.crop % self.crop_step:
            raise ValueError(
                f"expected crop to be a multiple of crop_step {self.crop_step}, received {self.crop}"
            )
        if self.affine and self.horizontal_flip == "alternating":
            raise ValueError(
                "expected horizontal_flip true or false with rotation, shift, shear or zoom, received "
                "alternating"
            )
        if self.mixup and self.cutmix and self.mixup_probability + self.cutmix_probability > 1:
            raise ValueError(
                "expected mixup_probability and cutmix_probability of at most 1 together, received "
                f"{self.mixup_probability} and {self.cutmix_probability}; a batch gets one of them"
            )
        return self

    @property
    def affine(self) -> dict[str, Any]:
        """What is done by resampling, mirroring included; empty where no image is resampled."""
        values = self.model_dump(include=set(AFFINE))
        return {**values, "horizontal_flip": self.horizontal_flip is True} if any(values.values()) else {}

    @property
    def degradations(self) -> dict[str, float]:
        """The degradations; empty where none is on."""
        values = self.model_dump(include=set(DEGRADATIONS))
        return values if any(values.values()) else {}

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with others."""
        return bool(self.mixup or self.cutmix)

    @property
    def is_on(self) -> bool:
        """Whether any image is changed."""
        moves = (self.affine, self.horizontal_flip, self.crop, self.cutout)
        return any((*moves, self.degradations, self.mixes))

    def switched_off(self) -> "AugmentationSettings":
        """No augmentation at all."""
        return AugmentationSettings(rotation=0, shift=0, shear=0, zoom=0, horizontal_flip=False)
