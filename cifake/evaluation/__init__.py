"""How good predictions are: numbers and figures."""
