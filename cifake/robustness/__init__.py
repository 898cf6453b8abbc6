"""Robustness of a model to image perturbations and adversarial attacks."""
