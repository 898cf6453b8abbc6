"""Read YAML as people mean it: numbers are decimal, a key stands once."""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from cifake.core.errors import ConfigError

NUMBERS = {
    "int": r"[-+]?[0-9][0-9_]*",
    "float": r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
}
DROPPED = ("int", "float", "timestamp", "value")  # YAML 1.1's: 010 is 8, 1:30 is 90, 1e-3 is a text


def parse_yaml(text: str, source: str) -> Any:
    """The value of a YAML text.

    Decimal numbers may have leading zeros, underscores and an exponent. Everything else that YAML 1.1 takes
    for a number or a date stays a text.

    Args:
        text: one document.
        source: for messages: a file or an option.

    Raises:
        ConfigError: not valid YAML, or a key that is given twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506, a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: !!int ten
        reason = " ".join(str(error).split())
        raise ConfigError(f"{source}: not valid YAML ({reason})") from None
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Keys stay texts: ``on`` does not become ``true``."""
        lines: dict[str, int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line = key.start_mark.line + 1
            if first := lines.get(key.value):
                raise ConfigError(f"line {line}: '{key.value}' is given already, in line {first}; remove one")
            lines[key.value] = line
            if key.value != "<<":  # which merges another mapping
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in DROPPED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for kind, pattern in NUMBERS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{kind}", re.compile(f"^({pattern})$"), list("-+.0123456789")
    )
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
