"""Keras' own configuration, as far as it decides scores."""

import keras


def configure_keras() -> None:
    """Set what ``~/.keras/keras.json`` and KERAS_MAX_EPOCHS would decide, for this process.

    No setting of a run names these values, so they must be the same for all runs: Keras' own defaults.
    """
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
