"""Search for the settings of a variant with Keras Tuner; knows nothing of MLflow."""
