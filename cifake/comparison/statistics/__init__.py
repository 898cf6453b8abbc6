"""Statistics of a comparison: pure functions of arrays."""
