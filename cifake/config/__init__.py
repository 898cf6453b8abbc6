"""Settings of a variant: YAML file, parents and overrides through one gate."""

from cifake.config.load import load, parse_overrides
from cifake.config.settings import AugmentationSettings, CnnSettings, Settings

__all__ = ["AugmentationSettings", "CnnSettings", "Settings", "load", "parse_overrides"]
