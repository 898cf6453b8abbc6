"""Adversarial training: on attacked images instead of clean ones."""

from typing import Any

import keras
from keras import ops

from cifake.config import AdversarialSettings
from cifake.core.backend import require_backend
from cifake.models.input_gradient import ascend, logits_on_float, on_float

# Step sizes in units of epsilon. One step beyond epsilon suffices from a random start (Wong et al. 2020).
FGSM_STEP = 1.25
PGD_STEP = 2.5  # of all steps together: they reach any corner of the ball (Madry et al. 2018)


class AdversarialModel(keras.Model):
    """A model on float pixels whose training step first attacks the images.

    The attack sees the model in inference mode, without dropout and augmentation. Validation is on clean
    images.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        images, labels = data
        return dict(super().train_step((self.attack(images, labels), labels)))


def against_attacks(model: keras.Model, settings: AdversarialSettings) -> keras.Model:
    """A model with the same weights, to train instead of the given one, which takes uint8 [n, 32, 32, 3]."""
    require_backend("adversarial training", "tensorflow")
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
