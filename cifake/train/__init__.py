"""Train one variant: the command, and the pipeline that every variant goes through."""
