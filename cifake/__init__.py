"""Compare training choices on CIFAKE, with every run tracked in MLflow."""
