"""Settings of a variant: a YAML file, its parents and overrides, all validated alike."""

from cifake.config.augmentation_settings import AugmentationSettings
from cifake.config.builders import CnnSettings, ResidualSettings, TransferSettings, per_layer
from cifake.config.load import check_files, load, parse_overrides
from cifake.config.schedule_settings import ScheduleSettings
from cifake.config.search_space import Dimension, TunerSettings, lengths, overrides
from cifake.config.settings import AdversarialSettings, Settings

__all__ = [
    "AdversarialSettings",
    "AugmentationSettings",
    "CnnSettings",
    "Dimension",
    "ResidualSettings",
    "ScheduleSettings",
    "Settings",
    "TransferSettings",
    "TunerSettings",
    "check_files",
    "lengths",
    "load",
    "overrides",
    "parse_overrides",
    "per_layer",
]
