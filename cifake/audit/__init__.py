"""The command that says what a data set holds."""
