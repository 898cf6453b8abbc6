"""Settings of a hyperparameter search: the tuner, and the space of settings that it varies."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from cifake.config.fields import Count, Strict, ValidationMetric
from cifake.contract import higher_is_better
from cifake.core.errors import ConfigError

Length = Annotated[
    Annotated[list[Count], Field(min_length=2, max_length=2), Tag("range")] | Annotated[str, Tag("like")],
    Discriminator(lambda value: "like" if isinstance(value, str) else "range"),
]


class TunerSettings(Strict):
    """The tuner, its objective and its budget."""

    kind: Literal["Hyperband", "RandomSearch", "BayesianOptimization"] = Field(
        description="the tuner of Keras Tuner"
    )
    objective: ValidationMetric = Field(description="the score that ranks trials")
    epochs: Count = Field(description="epochs of a trial; with Hyperband, of the longest")
    max_trials: Count | None = Field(None, description="largest number of trials; null is Hyperband's own")
    factor: int = Field(3, ge=2, description="Hyperband keeps one trial in this many")
    seed: int = Field(0, ge=0, description="seed of the search")
    images: Count | None = Field(None, description="training images of a trial; null is all")

    @model_validator(mode="after")
    def _ends(self) -> "TunerSettings":
        if self.kind != "Hyperband" and self.max_trials is None:
            raise ValueError(f"expected max_trials for {self.kind}, which would never end, received none")
        return self

    @property
    def higher_is_better(self) -> bool:
        return higher_is_better(self.objective)

    def best(self, history: Sequence[Mapping[str, float]]) -> float:
        """The best value of the objective in metrics by epoch."""
        values = [metrics[self.objective] for metrics in history]
        return max(values) if self.higher_is_better else min(values)


class Dimension(Strict):
    """The values of one setting; with ``layers``, of a list with one value per layer.

    ``layers: [1, 3]`` also searches the number of layers; ``layers: model.filters`` takes as many as that
    setting has.
    """

    layers: Length | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Dimension":
        if isinstance(self.layers, list) and self.layers[0] > self.layers[1]:
            raise ValueError(f"expected the smaller number of layers first, received {self.layers}")
        return self

    @abstractmethod
    def extremes(self) -> list[Any]:
        """The smallest and the largest value, or all choices; a setting that takes these takes all."""


class Choice(Dimension):
    """One of a list of values."""

    type: Literal["choice"]
    values: list[str | bool | int | float] = Field(min_length=1)

    @model_validator(mode="after")
    def _of_one_kind(self) -> "Choice":
        kinds = {float if type(value) is int else type(value) for value in self.values}
        if len(kinds) > 1:
            raise ValueError(f"expected all texts, all numbers or all true and false, received {self.values}")
        return self

    def extremes(self) -> list[Any]:
        return self.values


class Range(Dimension):
    """Numbers from min to max, both included, in steps when a step is given."""

    min: float
    max: float
    step: float | None = Field(None, gt=0)
    sampling: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if self.min >= self.max:
            raise ValueError(f"expected min below max, received min {self.min} and max {self.max}")
        if self.sampling == "log" and self.min <= 0:
            raise ValueError(f"expected a min above 0 for log sampling, received {self.min}")
        if self.sampling == "log" and self.step:
            raise ValueError("expected step or log sampling, received both; remove one")
        return self

    def extremes(self) -> list[Any]:
        return [self.min, self.max]


class IntRange(Range):
    """Whole numbers."""

    type: Literal["int"]
    min: int
    max: int
    step: Count | None = None


class FloatRange(Range):
    """Numbers that need not be whole."""

    type: Literal["float"]


AnyDimension = Annotated[Choice | IntRange | FloatRange, Field(discriminator="type")]


def lengths(space: Mapping[str, Dimension]) -> dict[str, tuple[str, list[int]]]:
    """For each list: the setting that gives its number of layers, and the least and greatest number.

    Raises:
        ConfigError: ``layers`` names a setting that is not searched with ``layers: [min, max]``.
    """
    leaders = {}
    for key, dimension in space.items():
        if dimension.layers is None:
            continue
        leader = key if isinstance(dimension.layers, list) else dimension.layers
        number = space[leader].layers if leader in space else None
        if not isinstance(number, list):
            raise ConfigError(
                f"search: {key}.layers: expected a setting that is searched with layers: [min, max], "
                f"received '{leader}'"
            )
        leaders[key] = (leader, number)
    return leaders


def overrides(space: Mapping[str, Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a tuner's flat values to settings by dotted key; values of other settings are ignored.

    ``{"model.filters.layers": 2, "model.filters.0": 32, "model.filters.1": 64}`` gives ``[32, 64]``.
    """
    leaders = lengths(space)
    counts = {key: values[f"{leader}.layers"] for key, (leader, _) in leaders.items()}
    return {
        key: [values[f"{key}.{layer}"] for layer in range(counts[key])] if key in counts else values[key]
        for key in space
    }


def corners(space: Mapping[str, Dimension]) -> Iterator[dict[str, Any]]:
    """Settings with each dimension's extremes in turn, at the least and the greatest number of layers."""
    leaders = lengths(space)
    for end in (0, 1):
        for varied, dimension in space.items():
            for extreme in dimension.extremes():
                point = {key: extreme if key == varied else d.extremes()[0] for key, d in space.items()}
                yield {
                    key: [value] * leaders[key][1][end] if key in leaders else value
                    for key, value in point.items()
                }
