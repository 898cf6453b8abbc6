"""Options of a command: a class declares them with their help, the words of a command line fill it."""

import argparse
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from cifake.config.load import explain_value
from cifake.errors import ConfigError


class CommandOptions(BaseModel):
    """What a command may be told. A field's description is its help, a value is read from its text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Options = TypeVar("Options", bound=CommandOptions)


def _true_or_false(value: Any) -> bool:
    words = {"true": True, "false": False}
    if str(value).lower() not in words:
        raise ValueError(f"expected true or false, received {value!r}")
    return words[str(value).lower()]


Flag = Annotated[bool, BeforeValidator(_true_or_false)]


def listed(text: str) -> list[str]:
    """``a,b``, ``[a, b]`` and ``[a,b]`` alike."""
    return [word for part in text.strip("[] ").split(",") if (word := part.strip())]


def help_or_words(
    options: type[CommandOptions], words: Sequence[str], *, prog: str, about: str, more: str = ""
) -> list[str]:
    """Print the help and exit, where it was asked for.

    Args:
        options: what the command may be told.
        words: of its command line.
        prog: how it is called: ``python -m cifake.predict``.
        about: what it does, in a sentence.
        more: said below the options.

    Returns:
        The words.
    """
    required = [
        f"{name}={name.upper()}" for name, field in options.model_fields.items() if field.is_required()
    ]
    usage = " ".join(["%(prog)s", *required, "[--KEY VALUE | KEY=VALUE ...]"])
    parser = argparse.ArgumentParser(
        prog=prog, usage=usage, description=about,
        epilog=f"options, as --key value or key=value:\n{_table(options.model_fields)}\n{more}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    return parser.parse_known_args(words)[1]


def check_options(options: type[Options], values: Mapping[str, str]) -> Options:
    """Options from the texts that were given for them.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    try:
        return options.model_validate(values)
    except ValidationError as error:
        known = ", ".join(options.model_fields)
        raise ConfigError(
            "; ".join(
                f"unknown option '{each['loc'][0]}'; expected one of {known}"
                if each["type"] == "extra_forbidden"
                else explain_value(".".join(map(str, each["loc"])), each)
                for each in error.errors()
            )
        ) from None


def _table(fields: Mapping[str, FieldInfo]) -> str:
    """A line an option, or several where it is long."""
    name_width = max(map(len, fields)) + 4
    return "\n".join(
        textwrap.fill(
            f"{field.description}{_default(field)}",
            width=shutil.get_terminal_size().columns - 2,
            initial_indent=f"  {name:{name_width - 2}}",
            subsequent_indent=" " * name_width,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, field in fields.items()
    )


def _default(field: FieldInfo) -> str:
    """Nothing where the description has to say it."""
    value = field.get_default()
    if isinstance(value, bool):
        return f" (default: {str(value).lower()})"
    return f" (default: {value})" if isinstance(value, str | int | float) else ""
