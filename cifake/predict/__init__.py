"""Predictions for any number of images, from folders, archives and globs into CSV or Parquet."""
