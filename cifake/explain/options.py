"""Options of an explanation."""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from cifake.cli.grammar import InputFolder, OutputFolder
from cifake.cli.help import options_or_help
from cifake.contract import EXPLANATION
from cifake.core.errors import ConfigError
from cifake.tracking.model_form import ModelForm

NAME = re.compile(r"\w[\w .-]*")  # what both tags and paths of artifacts take


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
    name: str | None = Field(
        None,
        description="of the images, in the run's explanation/<name>/ (default: the name of their folder)",
    )
    output: OutputFolder | None = Field(
        None, description="a folder for the files (default: the run's artifacts; a model file needs it)"
    )

    @property
    def artifact_path(self) -> str:
        """Where the run keeps the explanation; for a folder of images also the tag that says of which."""
        if not self.images:
            return EXPLANATION
        return f"{EXPLANATION}/{self.images.resolve().name if self.name is None else self.name}"


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    summary = (
        "Show where a trained model finds its evidence: Grad-CAM of single images, and averaged over all."
    )
    options = options_or_help(Options, argv, "python -m cifake.explain", summary)
    if options.name is not None and (options.output or not options.images):
        raise ConfigError("name: expected images=<folder> and no output with it; it names images in a run")
    name = options.artifact_path.removeprefix(f"{EXPLANATION}/")
    if not options.output and not NAME.fullmatch(name):
        raise ConfigError(
            f"name: expected letters, digits, '_', '-', '.' and spaces, received '{name}'; give another with "
            "name="
        )
    return options
