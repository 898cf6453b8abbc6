"""Compare tracked runs, without Keras or TensorFlow."""
