"""The grammar of all command lines: ``--key value``, ``--key=value`` and ``key=value`` mean the same.

A command declares its options as a pydantic class; the help and the error messages are made from it.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from cifake.core.errors import ConfigError
from cifake.core.nearest import nearest

KEY = r"[A-Za-z][\w.-]*"
ASSIGNMENT = re.compile(rf"(?:--)?({KEY})=(.*)", re.DOTALL)
OPTION = re.compile(rf"--({KEY})")


class CommandOptions(BaseModel):
    """Options of a command. A field's description is its help; its value is read from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Options = TypeVar("Options", bound=CommandOptions)


def _true_or_false(value: Any) -> bool:
    values = {"true": True, "false": False}
    if str(value).lower() not in values:
        raise ValueError(f"expected true or false, received {value!r}")
    return values[str(value).lower()]


def comma_separated(value: Any) -> list[str]:
    """``a,b``, ``[a, b]``, and the option given twice, are the same list."""
    texts = [value] if isinstance(value, str) else value
    return [item for text in texts for part in text.strip("[] ").split(",") if (item := part.strip())]


def output_file(path: Path) -> Path:
    """A file that can be written, or a ValueError."""
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise ValueError(f"expected a file, {path} is a folder")
    return _writable(path, path if path.exists() else path.parent)


def _a_folder(path: Path) -> Path:
    existing = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise ValueError(f"expected a folder, {existing} is a file")
    return _writable(path, existing)


def _present(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}")
    return path


def _writable(path: Path, existing: Path) -> Path:
    if not os.access(existing, os.W_OK):
        raise ValueError(f"{path} cannot be written: no permission to write to {existing}")
    return path


InputFolder = Annotated[Path, AfterValidator(_present)]
Flag = Annotated[bool, BeforeValidator(_true_or_false)]
# Whether they can be written is known before the work.
OutputFile = Annotated[Path, AfterValidator(output_file)]
OutputFolder = Annotated[Path, AfterValidator(_a_folder)]
CommaSeparated = BeforeValidator(comma_separated)


def split_words(argv: Sequence[str], flags: Collection[str] = ()) -> tuple[list[str], dict[str, list[str]]]:
    """Split a command line into positional arguments and texts by key.

    Hyphens and underscores in keys are the same. The argument after ``--key`` is its value unless it
    begins with two hyphens: ``--key -1`` is a negative number. ``--key=--value`` takes any text. A key among
    the flags may stand without a value, which means ``true``.

    Raises:
        ConfigError: a key without a value.
    """
    positional: list[str] = []
    texts: dict[str, list[str]] = {}
    remaining = list(argv)
    while remaining:
        argument = remaining.pop(0)
        if assignment := ASSIGNMENT.fullmatch(argument):
            key, text = assignment[1].replace("-", "_"), assignment[2]
        elif option := OPTION.fullmatch(argument):
            key = option[1].replace("-", "_")
            follower = remaining[0] if remaining else "--"
            if key in flags and follower.lower() not in ("true", "false"):
                text = "true"
            elif follower.startswith("--"):
                raise ConfigError(f"expected --key value or key=value, received '{argument}' alone")
            else:
                text = remaining.pop(0)
        else:
            positional.append(argument)
            continue
        if text.startswith("~") and "/" in text:  # the shell expands ~/x alone, not key=~/x
            text = os.path.expanduser(text)
        texts.setdefault(key, []).append(text)
    return positional, texts


def last_texts(texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The last text of each key, which counts where a key is given several times."""
    return {key: given[-1] for key, given in texts.items()}


def read_options(
    options: type[Options], argv: Sequence[str], others: bool = False
) -> tuple[Options, dict[str, str]]:
    """Options from a command line; a list takes every text of its key.

    Returns:
        The options, and the texts of keys that are not declared, which are refused unless ``others``.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that is out of range.
    """
    fields = options.model_fields
    positional, texts = split_words(argv, {key for key, field in fields.items() if field.annotation is bool})
    if positional:
        raise ConfigError(f"expected --key value or key=value, received '{positional[0]}' alone")
    unknown = [key for key in texts if key not in fields]
    if unknown and not others:
        raise ConfigError(f"unknown option '{unknown[0]}'; did you mean '{nearest(unknown[0], fields)}'?")
    values = {
        key: given if get_origin(fields[key].annotation) is list else given[-1]
        for key, given in texts.items()
        if key in fields
    }
    try:
        checked = options.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            "; ".join(describe_error(".".join(map(str, each["loc"])), each) for each in error.errors())
        ) from None
    return checked, last_texts({key: texts[key] for key in unknown})


def describe_error(key: str, error: ErrorDetails) -> str:
    """One of pydantic's errors as a line: the key, what was expected, what was received."""
    if error["type"] == "missing":
        return f"{key}: expected a value, received none"
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}" if key else str(error["ctx"]["error"])
    expected = error["msg"].removeprefix("Input should be ").partition(", unable to parse")[0]
    return f"{key}: expected {expected}, received {error['input']!r}"
