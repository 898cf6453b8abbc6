"""Models with random weights, and how like their maps are."""

import keras
import numpy as np
import pytest

from cifake.config import load
from cifake.data import load as load_data
from cifake.explain.gradcam import GradCam
from cifake.explain.randomised import randomised, rank_correlation
from cifake.models import build_model, serving_model
from tests.support.project import EXPERIMENTS


def test_all_that_is_trained_is_drawn_anew():
    settings = load(EXPERIMENTS / "mobilenet_v2.yaml", {"model.weights": "none", "model.image_size": 32})
    model = serving_model(build_model(settings), settings)
    before = model.get_weights()
    keras.utils.set_random_seed(1)
    other = randomised(model)
    kernels = [weight for weight in model.weights if "kernel" in weight.name]
    others = [weight for weight in other.weights if "kernel" in weight.name]
    same = [np.array_equal(a, b) for a, b in zip(kernels, others, strict=True)]
    assert (len(same), sum(same)) == (55, 1)  # 52 convolutions, 2 dense layers, the preprocessing
    assert np.array_equal(
        model.get_layer("preprocessing").get_weights()[0], other.get_layer("preprocessing").get_weights()[0]
    )
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(("normalisation", "gammas"), [("batch", 3), ("group", 3), ("none", 0)])
def test_random_residual_blocks_do_not_start_as_the_identity(normalisation, gammas):
    model = {"filters": [8], "stem": 8, "downsample": True, "batch_norm_momentum": None}
    model["normalisation"] = normalisation
    overrides = {f"model.{key}": value for key, value in model.items()}
    settings = load(EXPERIMENTS / "modern.yaml", {**overrides, "predict_flips": True})
    model = serving_model(build_model(settings), settings)
    keras.utils.set_random_seed(1)
    drawn = [randomised(model) for _ in range(2)]
    ends = [weight for weight in drawn[0].weights if weight.name == "gamma"]
    assert [np.unique(end).tolist() for end in ends] == [[1.0]] * gammas
    maps = [GradCam(each)(load_data("demo", "small").test.images[:4])[0] for each in drawn]
    assert np.ptp(maps, axis=(2, 3)).min() > 0
    assert not np.array_equal(*maps)


def test_rank_correlation_is_spearmans_without_its_sign():
    maps = np.arange(8.0).reshape(2, 2, 2)
    assert rank_correlation(maps, maps**3) == pytest.approx(1)
    assert rank_correlation(maps, -maps) == pytest.approx(1)
    # Ranks 1 2 3 4 against 2 1 4 3: 1 - 6 * 4 / (4 * 15) = 0.6.
    assert rank_correlation(maps[:1], np.array([[[1.0, 0.0], [3.0, 2.0]]])) == pytest.approx(0.6)


def test_a_constant_map_is_left_out():
    maps = np.array([[[1.0, 2.0]], [[3.0, 3.0]]])
    assert rank_correlation(maps, maps) == pytest.approx(1)
