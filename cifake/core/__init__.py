"""What every other package builds on: errors, files, processes, progress. Knows nothing of CIFAKE."""
