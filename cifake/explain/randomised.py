"""The model parameter randomisation test: maps of random weights must differ from those of trained ones.

Source: Adebayo et al. (2018), Sanity Checks for Saliency Maps.
"""

import keras
import numpy as np
from scipy.stats import rankdata

INSTEAD_OF_ZEROS = {"gamma": keras.initializers.Ones, "kernel": keras.initializers.GlorotUniform}
SAME = 0.5  # a higher correlation is warned about: more than half of the order is not learned


def randomised(model: keras.Model) -> keras.Model:
    """A copy of the model with new initial weights, drawn with Keras' global seed.

    Layers that are never trained, such as a backbone's preprocessing, keep theirs. A scale or kernel that
    would start at zero, as at the end of a residual block, is one or drawn: all maps behind it would be zero.
    """
    fresh = keras.models.clone_model(model)
    for layer, trained in zip(fresh.layers, model.layers, strict=True):
        if not isinstance(layer, keras.Model) and not trained.trainable:
            layer.set_weights(trained.get_weights())
    for weight in fresh.weights:
        initialiser = INSTEAD_OF_ZEROS.get(weight.name)
        if initialiser and not np.any(weight):
            weight.assign(initialiser()(weight.shape, weight.dtype))
    return fresh


def rank_correlation(maps: np.ndarray, others: np.ndarray) -> float:
    """Mean absolute Spearman correlation of n pairs of maps; pairs with a constant map are left out.

    Absolute, since with random weights the sign of a map is arbitrary.

    Args:
        maps: float [n, h, w], signed.
        others: float [n, h, w], signed.

    Returns:
        From 0 to 1; NaN if no pair is left.
    """
    first, second = (_centred_ranks(group) for group in (maps, others))
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return float(np.mean(np.abs((first * second).sum(axis=1)[scale > 0] / scale[scale > 0])))


def _centred_ranks(maps: np.ndarray) -> np.ndarray:
    ranks = rankdata(maps.reshape(len(maps), -1), axis=1)
    return np.asarray(ranks - ranks.mean(axis=1, keepdims=True))
