"""Many variants and seeds with one command: planned, resumable, over worker processes."""
