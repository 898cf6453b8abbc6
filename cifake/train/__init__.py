"""The command that trains one variant, and the pipeline that every variant goes through."""
