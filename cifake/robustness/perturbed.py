"""Score a model on perturbed images, and check whether the attacks among them can be trusted."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cifake.contract import ATTACKS, CLEAN, parse_perturbation, perturbation_name
from cifake.data import Part
from cifake.evaluation.metrics import accuracy, f1, roc_auc, score_by_label
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.perturbations import generator, perturb

if TYPE_CHECKING:
    import keras

    from cifake.robustness.attacks import Attacker

CLEAN_SHARE = 0.4  # of the weighted accuracy; the attack has the rest
FLUCTUATION = 0.005  # of accuracy after a last step rather than the one before
RIVALS = (  # what must not leave a lower accuracy than attacks of its size, and what it means if it does
    ("random", tuple(ATTACKS), "random changes of its size", "the model may mask its gradients"),
    ("fgsm", ("pgd",), "a single step", "too few steps, or masked gradients"),
)
GRADIENT_COST = 3  # passes: one forward, and about two for the way back


class PerturbedTestSet:
    """Test images under perturbations, and a model's scores of them.

    Args:
        model: takes uint8 [n, 32, 32, 3]; for attacks, it ends in a dense layer with a sigmoid.
        test: the test part, or its first images.
        options: of the attacks.
        advance: receives the number of passes of an image through the model since its last call.
    """

    def __init__(
        self,
        model: "keras.Model",
        test: Part,
        options: RobustnessOptions,
        advance: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.model = model
        self.test = test
        self.options = options
        self.advance = advance

    def images(self, name: str) -> np.ndarray:
        """The test images under a perturbation: uint8 [n, 32, 32, 3]."""
        kind, strength = parse_perturbation(name)
        if kind not in ATTACKS:
            return perturb(self.test.images, name, self.options.seed)
        if kind == "fgsm":
            return self.attacker.fgsm(int(strength))
        candidates = [
            self.attacker.pgd(int(strength), self.options.steps, generator(name, self.options.seed, start))
            for start in range(self.options.restarts)
        ]
        return candidates[0] if len(candidates) == 1 else self._worst(candidates)

    def scores(self, name: str) -> np.ndarray:
        """The probability of FAKE under a perturbation: float32 [n]."""
        scores = self._predict(self.images(name))
        self.advance(len(scores))
        return scores

    def gain_of_more_steps(self, name: str) -> float:
        """How much accuracy rises when PGD takes twice the steps from the same start."""
        epsilon, steps = int(parse_perturbation(name)[1]), self.options.steps
        once, twice = (
            self.attacker.pgd(epsilon, count, generator(name, self.options.seed, 0))
            for count in (steps, 2 * steps)
        )
        labels = self.test.labels
        return accuracy(labels, self._predict(twice)) - accuracy(labels, self._predict(once))

    def cost(self, name: str) -> int:
        """Passes of an image that a perturbation takes, as ``advance`` counts them."""
        kind, _ = parse_perturbation(name)
        gradients = {"fgsm": 1, "pgd": self.options.steps * self.options.restarts}.get(kind, 0)
        return len(self.test) * (1 + GRADIENT_COST * gradients)

    @cached_property
    def attacker(self) -> "Attacker":
        """Makes the attacks; TensorFlow's graphs are traced once."""
        from cifake.robustness.attacks import Attacker

        return Attacker(
            self.model, self.test.images, self.test.labels, min(self.options.batch, len(self.test)),
            lambda gradients: self.advance(GRADIENT_COST * gradients),
        )  # fmt: skip

    def _worst(self, candidates: list[np.ndarray]) -> np.ndarray:
        """For each image the version that scores furthest from its label."""
        scores = np.stack([self._predict(images) for images in candidates])
        which = np.where(self.test.labels == 1, scores.argmin(axis=0), scores.argmax(axis=0))
        worst: np.ndarray = np.stack(candidates)[which, np.arange(len(which))]
        return worst

    def _predict(self, images: np.ndarray) -> np.ndarray:
        from cifake.evaluation.scoring import predict

        return predict(self.model, images)


def measure(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """The metrics of one perturbation, by name."""
    return {
        **score_by_label(labels, scores),
        "f1": f1(labels, scores),
        "roc_auc": roc_auc(labels, scores),
    }


def weighted_accuracy(accuracies: Mapping[str, float], adversary: str) -> float | None:
    """0.4 of the clean accuracy plus 0.6 of that under an attack; None if one of them is unknown."""
    if not {CLEAN, adversary} <= set(accuracies):
        return None
    return CLEAN_SHARE * accuracies[CLEAN] + (1 - CLEAN_SHARE) * accuracies[adversary]


def find_doubts(accuracies: Mapping[str, float], gains: Mapping[str, float]) -> list[str]:
    """Signs that the attacks fail although the model is not robust (Athalye, Carlini and Wagner 2018).

    Args:
        accuracies: by perturbation.
        gains: rise in accuracy when PGD takes twice the steps from the same start, by perturbation.
    """
    doubts = []
    for weaker, attacks, description, reason in RIVALS:
        for name, left in accuracies.items():
            kind, strength = parse_perturbation(name)
            rival = accuracies.get(perturbation_name(weaker, strength), 1.0)
            if kind in attacks and left > rival:
                doubts.append(f"{name} leaves {left:.4f}, {description} {rival:.4f}: {reason}")
    return doubts + [
        f"{name} with twice the steps leaves {gain:.4f} more: the attack is not converged"
        for name, gain in gains.items()
        if gain > FLUCTUATION
    ]
