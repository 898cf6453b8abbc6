"""What all settings have in common: strict classes, ranges, and settings that were added later."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Probability = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
ValidationMetric = Literal["val/loss", "val/accuracy", "val/precision", "val/recall"]
DatasetChoice = Literal["auto", "cifake", "demo", "other"]
Resize = Literal["prepare", "refuse"]


def _data_name(value: Any) -> str:
    if re.fullmatch(r"[\w.-]+", str(value)):
        return str(value)  # YAML takes 2024 for a number
    raise ValueError(f"expected letters, digits, '-', '_' and '.', received {value!r}")


DatasetName = Annotated[str, BeforeValidator(_data_name)]


class Strict(BaseModel):
    """Refuses unknown keys and silent conversions; immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def added(default: Any, **keywords: Any) -> Any:
    """A setting that was added after runs had been made.

    Its default is what training did before. While it has that, ``config_hash`` leaves it out, so that runs
    made before it existed are still repeats of those made after.
    """
    return Field(default, json_schema_extra={"added": True}, **keywords)


def without_added_defaults(settings: Strict) -> dict[str, Any]:
    """Settings as nested values, without those added later that have their default."""
    values = settings.model_dump()
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if field.json_schema_extra and value == field.default:
            del values[name]
        elif isinstance(value, Strict):
            values[name] = without_added_defaults(value)
    return values
