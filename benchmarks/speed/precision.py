"""Training in bfloat16 against float32, on real images: speed of `fit`, and validation scores."""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from benchmarks.measure import in_turn, show
from cifake.config import load
from cifake.data import Part
from cifake.data import load as load_data
from cifake.models import build_model
from cifake.training.batches import Batches, feed
from cifake.training.compile import compile_model

IMAGES = {"base": 12_800, "hyperband_best": 2_560, "mobilenet_v2": 320}
RANDOM = {"model.weights": "none"}


def contender(variant: str, precision: str, part: Part, accuracies: dict[str, float]) -> Callable[[], float]:
    """Images a second of one epoch; the validation accuracy after the last round is kept."""
    overrides = {"precision": precision, **(RANDOM if variant == "mobilenet_v2" else {})}
    settings = load(f"experiments/{variant}.yaml", overrides)
    keras.utils.set_random_seed(settings.seed)
    model = build_model(settings)
    compile_model(model, settings)
    count = IMAGES[variant]
    images = Part(part.images[:count], part.labels[:count], part.objects[:count], part.paths[:count])
    train = feed(Batches(images, settings.batch_size, None, seed=0))
    model.fit(train, verbose=0)

    def measure() -> float:
        start = time.perf_counter()
        model.fit(train, verbose=0)
        rate = count / (time.perf_counter() - start)
        held_out = part.images[20_000:21_000], part.labels[20_000:21_000]
        accuracies[f"{variant} {precision}"] = model.evaluate(*held_out, verbose=0, return_dict=True)[
            "accuracy"
        ]
        return rate

    return measure


def main() -> None:
    part = load_data("cifake").train
    for variant, count in IMAGES.items():
        accuracies: dict[str, float] = {}
        values = in_turn(
            {
                precision: contender(variant, precision, part, accuracies)
                for precision in ("float32", "bfloat16")
            }
        )
        wanted = {("bfloat16", "float32"): "above 1 to be the default"}
        show(f"{variant}, one epoch of {count:,} images", "images/s", values, wanted)
        print(f"accuracy after {len(values['float32']) + 1} epochs, on 1,000 others: {accuracies}")


if __name__ == "__main__":
    main()
