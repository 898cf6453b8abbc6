"""Figures of a comparison. One function a view, listed in FIGURES."""
