"""Evaluate trained models on other images than CIFAKE's test part."""
