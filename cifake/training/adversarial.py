"""Training on attacked images instead of clean ones."""

from typing import Any

import keras
from keras import ops

from cifake.config import AdversarialSettings
from cifake.core.backend import require_tensorflow
from cifake.models.input_gradient import ascend, logits_on_float, on_float

# Wong, Rice and Kolter 2020: a step beyond epsilon from a random start, with which one step is enough.
FGSM_STEP = 1.25
PGD_STEP = 2.5  # over the number of steps: far enough to reach any corner (Madry et al. 2018)


class AdversarialModel(keras.Model):
    """A model on float pixels that is trained on what it is most wrong about near each image.

    The attack sees the model as it scores, without dropout and augmentation; the step after it trains
    as always. Validation is on clean images.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        images, labels = data
        return dict(super().train_step((self.attack(images, labels), labels)))


def against_attacks(model: keras.Model, settings: AdversarialSettings) -> keras.Model:
    """A model to train in place of the given one, with the same weights.

    Args:
        model: takes uint8 [n, 32, 32, 3].
        settings: the attack.

    Raises:
        ConfigError: a backend other than TensorFlow.
    """
    require_tensorflow("adversarial training")
    same, logits = on_float(model), logits_on_float(model)
    trained = AdversarialModel(same.inputs, same.outputs, name=model.name)
    trained.seed_generator = keras.random.SeedGenerator()
    steps = 1 if settings.attack == "fgsm" else settings.steps
    step = settings.epsilon * (FGSM_STEP if settings.attack == "fgsm" else PGD_STEP / steps)

    def attack(images: Any, labels: Any) -> Any:
        around = ops.cast(images, "float32")
        shift = keras.random.uniform(ops.shape(around), -1, 1, seed=trained.seed_generator)
        start = around + settings.epsilon * shift
        return ascend(logits, start, around, 2 * labels - 1, settings.epsilon, step, steps)

    trained.attack = attack
    return trained
