"""The command that ranks tracked runs; ``compare.py`` in the project's folder calls it."""
