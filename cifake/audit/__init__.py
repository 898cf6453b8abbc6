"""The command that reports what a data set holds."""
