"""Options of commands that take a trained model: what one of another project takes and gives."""

from typing import Literal

from pydantic import Field

from cifake.cli.grammar import CommandOptions
from cifake.core.errors import RunError

RANGES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}


class ModelForm(CommandOptions):
    """What a model of another project takes and gives; nothing for those of this one."""

    scale: Literal["0..1", "-1..1", "0..255"] | None = Field(
        default=None,
        description="of a model of another project: the range of the pixel values that it was trained on; "
        "0..1 is x/255, -1..1 is x/127.5 - 1",
    )
    positive: Literal["REAL", "FAKE"] | None = Field(
        default=None,
        description="of a model of another project: the label that it calls 1; of two outputs, the second's. "
        "Keras numbers folders by name: FAKE 0, REAL 1",
    )

    def complete(self) -> tuple[float, float, str]:
        """What a pixel of 0 and one of 255 are for the model, and the label that it calls 1.

        Raises:
            RunError: not both are given.
        """
        if not self.scale or not self.positive:
            raise RunError(
                "a model of another project; say which pixel values it was trained on and which label it "
                "calls 1, such as scale=0..1 positive=REAL (see --help)"
            )
        return *RANGES[self.scale], self.positive


OURS = ModelForm()  # nothing need be said of a model of this project
