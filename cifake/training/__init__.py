"""Fit a model to the training part; knows nothing of MLflow."""

from cifake.training.fit import Fitted, fit

__all__ = ["Fitted", "fit"]
