"""Settings of a variant: YAML file, parents and overrides through one gate."""

from cifake.config.builders import CnnSettings, TransferSettings, per_layer
from cifake.config.load import load, parse_overrides
from cifake.config.search_space import Dimension, lengths, overrides
from cifake.config.settings import DEGRADATIONS, AdversarialSettings, AugmentationSettings, Settings
from cifake.config.tuner import TunerSettings

__all__ = [
    "DEGRADATIONS",
    "AdversarialSettings",
    "AugmentationSettings",
    "CnnSettings",
    "Dimension",
    "Settings",
    "TransferSettings",
    "TunerSettings",
    "lengths",
    "load",
    "overrides",
    "parse_overrides",
    "per_layer",
]
