"""Settings of a variant: YAML file, parents and overrides through one gate."""

from cifake.config.backend import require_ray, require_tensorflow
from cifake.config.builders import IMAGE_SIDE, CnnSettings, TransferSettings, per_layer
from cifake.config.load import load, parse_overrides, split_words
from cifake.config.options import CommandOptions, Flag, check_options, help_or_words, listed
from cifake.config.search import Dimension, lengths, overrides
from cifake.config.settings import LOSSES, AdversarialSettings, AugmentationSettings, Settings
from cifake.config.tuner import TunerSettings

__all__ = [
    "IMAGE_SIDE",
    "LOSSES",
    "AdversarialSettings",
    "AugmentationSettings",
    "CnnSettings",
    "CommandOptions",
    "Dimension",
    "Flag",
    "Settings",
    "TransferSettings",
    "TunerSettings",
    "check_options",
    "help_or_words",
    "lengths",
    "listed",
    "load",
    "overrides",
    "parse_overrides",
    "per_layer",
    "require_ray",
    "require_tensorflow",
    "split_words",
]
