"""Search spaces as data: which settings a tuner may vary, and how far."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from cifake.config.builders import Count, Strict
from cifake.core.errors import ConfigError

Length = Annotated[
    Annotated[list[Count], Field(min_length=2, max_length=2), Tag("range")] | Annotated[str, Tag("like")],
    Discriminator(lambda value: "like" if isinstance(value, str) else "range"),
]


class Dimension(Strict):
    """What all kinds have: ``layers`` makes the setting a list of values, one a layer.

    ``layers: [1, 3]`` searches the number of layers, too; ``layers: model.filters`` takes as many
    as that setting has. A layer that is not there has no value to search.
    """

    layers: Length | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Dimension":
        if isinstance(self.layers, list) and self.layers[0] > self.layers[1]:
            raise ValueError(f"expected the smaller number of layers first, received {self.layers}")
        return self

    @abstractmethod
    def extremes(self) -> list[Any]:
        """The values at the edges: what a setting takes there, it takes in between."""


class Choice(Dimension):
    """One of some values."""

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
    """Numbers from min to max, both included."""

    sampling: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        low, high = self.extremes()
        if low >= high:
            raise ValueError(f"expected min below max, received min {low} and max {high}")
        if self.sampling == "log" and low <= 0:
            raise ValueError(f"expected a min above 0 for log sampling, received {low}")
        if self.sampling == "log" and getattr(self, "step", None):
            raise ValueError("expected step or log sampling, received both; remove one")
        return self


class IntRange(Range):
    """Whole numbers from min to max."""

    type: Literal["int"]
    min: int
    max: int
    step: Count | None = None

    def extremes(self) -> list[Any]:
        return [self.min, self.max]


class FloatRange(Range):
    """Numbers from min to max, in steps when a step is given."""

    type: Literal["float"]
    min: float
    max: float
    step: float | None = Field(None, gt=0)

    def extremes(self) -> list[Any]:
        return [self.min, self.max]


AnyDimension = Annotated[Choice | IntRange | FloatRange, Field(discriminator="type")]


def lengths(space: Mapping[str, Dimension]) -> dict[str, tuple[str, list[int]]]:
    """The setting that decides how many layers each list has, and its smallest and largest number.

    Raises:
        ConfigError: ``layers`` names something that is not searched with a number of layers.
    """
    found = {}
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
        found[key] = (leader, number)
    return found


def overrides(space: Mapping[str, Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted key from a tuner's flat values.

    Args:
        space: the dimensions by setting.
        values: such as ``{"learning_rate": 0.001, "model.filters.layers": 2, "model.filters.0": 32,
            "model.filters.1": 64}``; others are ignored.
    """
    found = dict.fromkeys(space)
    leaders = lengths(space)
    for key in space:
        if key in leaders:
            count = values[f"{leaders[key][0]}.layers"]
            found[key] = [values[f"{key}.{layer}"] for layer in range(count)]
        else:
            found[key] = values[key]
    return found


def corners(space: Mapping[str, Dimension]) -> Iterator[dict[str, Any]]:
    """Settings at the edges of the space: each dimension's extremes in turn, with few and many layers."""
    leaders = lengths(space)
    for end in (0, 1):
        for varied, dimension in space.items():
            for extreme in dimension.extremes():
                point = {key: extreme if key == varied else d.extremes()[0] for key, d in space.items()}
                yield {
                    key: [value] * leaders[key][1][end] if key in leaders else value
                    for key, value in point.items()
                }
