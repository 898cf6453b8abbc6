"""The command line: one grammar and one form of help for all commands."""
