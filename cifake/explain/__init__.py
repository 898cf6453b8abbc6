"""Where in an image the evidence for a call lies."""
