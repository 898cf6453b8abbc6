"""Options of an explanation."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from cifake.cli.grammar import InputFolder, OutputFolder
from cifake.cli.help import options_or_help
from cifake.tracking.model_form import ModelForm


class Options(ModelForm):
    """What to explain, how, and where to write it."""

    run: str = Field(
        min_length=1,
        description="a run id, a variant (its newest finished run), models:/<name>@<alias>, "
        "models:/<name>/<version> or a .keras or .h5 file",
    )
    layer: str | None = Field(None, description="whose maps are used (default: the last convolution)")
    method: Literal["grad_cam", "hires_cam"] = Field(
        "grad_cam", description="grad_cam, or hires_cam: gradients are not averaged over a map"
    )
    images: InputFolder | None = Field(
        None,
        description="a folder of images to explain, made like CIFAKE's (default: the test images of the run)",
    )
    output: OutputFolder | None = Field(
        None, description="a folder for the files (default: the run's artifacts; a model file needs it)"
    )


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    summary = (
        "Show where a trained model finds its evidence: Grad-CAM of single images, and averaged over all."
    )
    return options_or_help(Options, argv, "python -m cifake.explain", summary)
