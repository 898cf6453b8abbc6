"""Published results: finished runs as text files and one Parquet file, to be compared without a store."""
