"""Models by builder name; each takes uint8 [n, 32, 32, 3] and returns the probability of FAKE."""

from cifake.models.build import build_model, serving_model

__all__ = ["build_model", "serving_model"]
