"""Where in an image the evidence for a prediction lies."""
