"""Options of a command: their help, and what is taken from text and what not."""

import pytest
from pydantic import Field

from cifake.config import CommandOptions, Flag, check_options, help_or_words, listed
from cifake.errors import ConfigError


class Options(CommandOptions):
    run: str = Field(description="which one")
    steps: int = Field(10, ge=1, description="how many")
    force: Flag = Field(False, description="anew")
    layer: str | None = Field(None, description="where (default: the last)")


def test_the_help_shows_what_is_required_and_each_default(capsys):
    with pytest.raises(SystemExit) as ended:
        help_or_words(Options, ["run=a", "--help"], prog="try", about="Tries.", more="and more")
    assert ended.value.code == 0
    assert capsys.readouterr().out == (
        "usage: try run=RUN [--KEY VALUE | KEY=VALUE ...]\n\nTries.\n\n"
        "options:\n  -h, --help  show this help message and exit\n\n"
        "options, as --key value or key=value:\n"
        "  run    which one\n"
        "  steps  how many (default: 10)\n"
        "  force  anew (default: false)\n"
        "  layer  where (default: the last)\n"
        "and more\n"
    )


@pytest.mark.parametrize("text", ["a,b", "[a, b]", "[a,b]", " a , b ,"])
def test_lists_are_written_as_people_do(text):
    assert listed(text) == ["a", "b"]


def test_text_becomes_values():
    options = check_options(Options, {"run": "0123", "steps": "3", "force": "True"})
    assert options == Options(run="0123", steps=3, force=True, layer=None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "run: expected a value, received none"),
        ({"run": "a", "stepps": "1"}, "unknown option 'stepps'; expected one of run, steps, force, layer"),
        ({"run": "a", "steps": "few"}, "steps: expected a valid integer, received 'few'"),
        ({"run": "a", "steps": "0", "force": "1"},
         "steps: expected greater than or equal to 1, received '0'; "
         "force: expected true or false, received '1'"),
    ],
)  # fmt: skip
def test_mistakes_are_all_named_in_one_line(given, message):
    with pytest.raises(ConfigError) as caught:
        check_options(Options, given)
    assert str(caught.value) == message
