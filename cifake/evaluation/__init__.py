"""Metrics and figures of predictions."""
