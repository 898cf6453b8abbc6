"""Grad-CAM: which places of a convolution's maps raise and lower the score."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from cifake.core.errors import RunError
from cifake.core.progress import progress_bar
from cifake.evaluation.metrics import decide
from cifake.models.input_gradient import logit_layer

BATCH = 100  # images; they take 100 MB of activations in the widest variant
CONVOLUTIONS = (
    keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)  # fmt: skip


class Observed(keras.layers.Layer):
    """A layer that passes its output to a callback, at any depth of a model.

    Args:
        layer: the wrapped layer; its weights are shared.
    """

    def __init__(self, layer: keras.layers.Layer) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.callback: Callable[[Any], None] = lambda _: None

    def call(self, inputs: Any) -> Any:
        outputs = self.layer(inputs)
        self.callback(outputs)
        return outputs


class GradCam:
    """Signed evidence maps of a model: Selvaraju et al. (2017), Grad-CAM, equations 1 and 2.

    The gradient is that of the logit before the last sigmoid. That of the score differs by a factor, which
    is zero in float32 where the model is certain. The logit of REAL is the negative logit of FAKE, so without
    the ReLU of equation 2 one signed map holds both classes.

    Args:
        model: takes uint8 [n, 32, 32, 3]; ends in a dense layer with one sigmoid. Its weights are
            shared, not copied.
        layer: the name of a layer with maps, also in nested models; by default the last convolution.
        method: ``grad_cam`` weights each map by the mean of its gradient, ``hires_cam`` each value by its own
            gradient (Draelos & Carin 2020, HiResCAM). With ``hires_cam``, where only pooling, ReLU and dense
            layers follow, the values sum to the logit without the contribution of biases.

    Attributes:
        layer: the layer's name.
        method: ``grad_cam`` or ``hires_cam``.

    Raises:
        RunError: no convolution, no such layer, another output, another backend than TensorFlow.
    """

    def __init__(self, model: keras.Model, layer: str | None = None, method: str = "grad_cam") -> None:
        if keras.backend.backend() != "tensorflow":
            raise RunError(f"Grad-CAM: expected KERAS_BACKEND=tensorflow, received {keras.backend.backend()}")
        observed = Observed(_find(model, layer))
        self.layer, self.method = str(observed.name), method
        logits = _logits(model, observed)
        if len(observed.output.shape) != 4:
            raise RunError(
                f"layer {self.layer}: expected one that gives maps {_known(model)}, received one that "
                f"gives {observed.output.shape}"
            )
        self._step = _step(logits, observed, averaged=method == "grad_cam")

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute evidence maps and scores.

        Args:
            images: uint8 [n, 32, 32, 3], n at least 1.

        Returns:
            Maps, float32 [n, h, w] with the layer's height and width, in units of the logit: positive values
            are evidence for FAKE, negative ones for REAL. Scores, float32 [n], the probability of FAKE.
        """
        maps, scores = [], []
        with progress_bar() as progress:
            for start in progress.track(
                range(0, len(images), BATCH), description=f"explaining, {BATCH} each"
            ):
                batch = np.asarray(images[start : start + BATCH])
                # Always the same shape, so that TensorFlow traces one graph.
                filled = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), axis=0)])
                evidence, score = self._step(filled)
                maps.append(evidence.numpy()[: len(batch)])
                scores.append(score.numpy()[: len(batch), 0])
        return np.concatenate(maps), np.concatenate(scores)


def heat(evidence: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Grad-CAM of the predicted class: float [n, h, w], at least 0."""
    towards_fake = decide(scores)[:, None, None] == 1
    return np.maximum(np.where(towards_fake, evidence, -evidence), 0)


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """All layers in the order of computation, with those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        else:
            yield layer


def _find(model: keras.Model, name: str | None) -> keras.layers.Layer:
    fitting = [
        layer
        for layer in all_layers(model)
        if (layer.name == name if name else isinstance(layer, CONVOLUTIONS))
    ]
    if not fitting:
        problem = f"layer {name}: there is none of that name" if name else "Grad-CAM needs a convolution"
        raise RunError(f"{problem}; expected one that gives maps {_known(model)}")
    return fitting[-1]


def _known(model: keras.Model) -> str:
    names = [layer.name for layer in all_layers(model) if isinstance(layer, CONVOLUTIONS)]
    return f"[n, h, w, channels]; the model's convolutions: {', '.join(names) or 'none'}"


def _logits(model: keras.Model, observed: Observed) -> keras.Model:
    """The model without its last sigmoid, with one layer observed."""
    replaced = {id(observed.layer): observed, id(model.layers[-1]): logit_layer(model)}
    return keras.models.clone_model(
        model, clone_function=lambda layer: replaced.get(id(layer), layer), recursive=True
    )


def _step(logits: keras.Model, observed: Observed, averaged: bool) -> Callable[[np.ndarray], tuple[Any, Any]]:
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator]
    def step(images: Any) -> tuple[Any, Any]:
        activations: list[Any] = []
        # Only the layer's output is watched, so the layers before it are not differentiated.
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def observe(outputs: Any) -> None:
                tape.watch(outputs)
                activations.append(outputs)

            observed.callback = observe
            logit = logits(images, training=False)
        gradient = tf.cast(tape.gradient(logit, activations[-1]), "float32")
        if averaged:
            gradient = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        return tf.reduce_sum(tf.cast(activations[-1], "float32") * gradient, axis=-1), tf.sigmoid(logit)

    return step  # type: ignore[no-any-return]
