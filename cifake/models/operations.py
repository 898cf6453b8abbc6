"""What a prediction costs on any machine: its multiplications and additions."""

import math
from collections.abc import Iterator

import keras

COUNTED = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Dense,
)


def count_operations(model: keras.Model) -> int:
    """Multiplications and additions of a model's convolutions and dense layers, for one image.

    Layers between them, such as normalisation and activations, are left out, as is usual.
    """
    return sum(operations for _, operations in operations_by_layer(model))


def operations_by_layer(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, int]]:
    """Each convolution and dense layer with its operations: two for each weight at each place of its output.

    Layers of nested models are included; one that is called twice comes twice.
    """
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            layer = node.operation
            if isinstance(layer, keras.Model):
                yield from operations_by_layer(layer)
            elif isinstance(layer, COUNTED):
                places = math.prod(node.outputs[0].shape[1:-1])
                yield layer, 2 * places * sum(math.prod(w.shape) for w in layer.weights if "kernel" in w.name)
