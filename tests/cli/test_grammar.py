"""The grammar of command lines: what is taken from text and what is refused; the help."""

import os
from typing import Annotated

import pytest
from pydantic import Field

from cifake.cli.grammar import (
    CommandOptions,
    CommaSeparated,
    Flag,
    OutputFile,
    OutputFolder,
    comma_separated,
    last_texts,
    read_options,
    split_words,
)
from cifake.cli.help import option_rows, print_help_if_asked, usage_of
from cifake.core.errors import ConfigError


class Options(CommandOptions):
    run: str = Field(description="which one")
    steps: int = Field(10, ge=1, description="how many")
    seed: int = Field(0, description="of the noise")
    force: Flag = Field(False, description="from scratch")
    layer: str | None = Field(None, description="where (default: the last)")
    fail_if: list[str] = Field([], description="repeatable")
    names: Annotated[list[str], CommaSeparated] = Field([], description="comma-separated")


def test_the_three_forms_mean_the_same():
    for words in (["--epochs", "5"], ["--epochs=5"], ["epochs=5"]):
        assert split_words(words) == ([], {"epochs": ["5"]})
    assert split_words(["--fail-if", "f1 <= 0.9"]) == ([], {"fail_if": ["f1 <= 0.9"]})
    assert split_words(["filter=params.a = 'b'"]) == ([], {"filter": ["params.a = 'b'"]})
    assert split_words(["--model.filters=[4]"]) == ([], {"model.filters": ["[4]"]})


@pytest.mark.parametrize("text", ["-1", "-1e-3", "-x", "a b", "a=b", "", "[-1, 2]", "{a: 1}"])
def test_any_text_without_two_hyphens_is_a_value(text):
    for words in (["--key", text], [f"--key={text}"], [f"key={text}"]):
        assert split_words(words) == ([], {"key": [text]})


def test_a_home_folder_is_found_in_every_form(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    for words in (["--output", "~/x.csv"], ["--output=~/x.csv"], ["output=~/x.csv"]):
        assert split_words(words) == ([], {"output": ["/home/ada/x.csv"]})
    assert split_words(["x=~", "y=~nosuch/a"]) == ([], {"x": ["~"], "y": ["~nosuch/a"]})


def test_a_value_that_begins_with_two_hyphens_needs_an_equals_sign():
    assert split_words(["--key=--other"]) == ([], {"key": ["--other"]})
    with pytest.raises(ConfigError, match="expected --key value or key=value, received '--key' alone"):
        split_words(["--key", "--other"])


def test_a_file_is_positional_even_with_an_equals_sign_in_its_folder():
    assert split_words(["runs/a=b.yaml", "--epochs", "5"]) == (["runs/a=b.yaml"], {"epochs": ["5"]})


def test_the_last_text_of_a_key_counts():
    assert last_texts(split_words(["epochs=5", "--epochs", "6"])[1]) == {"epochs": "6"}


@pytest.mark.parametrize("words", [["--log"], ["--log", "--format"], ["--format"]])
def test_a_key_needs_a_value_unless_it_is_a_flag(words):
    with pytest.raises(ConfigError, match="expected --key value or key=value, received '--"):
        split_words(words, flags=[] if "--format" not in words else ["log"])


def test_a_flag_may_stand_alone_or_say_which():
    assert read_options(Options, ["run=a", "--force"])[0].force
    assert read_options(Options, ["--force", "run=a"])[0].force
    assert read_options(Options, ["--force", "True", "--run", "a"])[0].force
    assert not read_options(Options, ["run=a", "--force", "false"])[0].force


@pytest.mark.parametrize("text", ["a,b", "[a, b]", "[a,b]", " a , b ,"])
def test_lists_are_written_as_people_do(text):
    assert comma_separated(text) == comma_separated(["a", "b"]) == ["a", "b"]


def test_text_becomes_values():
    words = [
        "run=0123",
        "steps=3",
        "--fail-if",
        "a < 1",
        "--fail-if",
        "b < 1, c",
        "--names",
        "a,b",
        "names=c",
    ]
    options, others = read_options(Options, words)
    assert options == Options(
        run="0123",
        steps=3,
        seed=0,
        fail_if=["a < 1", "b < 1, c"],
        names=["a", "b", "c"],
        force=False,
        layer=None,
    )
    assert others == {}


def test_other_keys_are_returned_where_a_command_takes_them():
    assert read_options(Options, ["run=a", "epochs=5", "epochs=6"], others=True)[1] == {"epochs": "6"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "run: expected a value, received none"),
        (["run=a", "stepps=1"], "unknown option 'stepps'; did you mean 'steps'?"),
        (["run=a", "--fail-on", "x"], "unknown option 'fail_on'; did you mean 'fail_if'?"),
        (["a"], "expected --key value or key=value, received 'a' alone"),
        (["run=a", "--", "b"], "expected --key value or key=value, received '--' alone"),
        (["run=a", "--steps", "-1"], "steps: expected greater than or equal to 1, received '-1'"),
        (["run=a", "steps=few"], "steps: expected a valid integer, received 'few'"),
        (["run=a", "steps=0", "force=1"],
         "steps: expected greater than or equal to 1, received '0'; "
         "force: expected true or false, received '1'"),
    ],
)  # fmt: skip
def test_mistakes_are_all_named_in_one_line(words, message):
    with pytest.raises(ConfigError) as caught:
        read_options(Options, words)
    assert str(caught.value) == message


class Outputs(CommandOptions):
    file: OutputFile | None = Field(None, description="what to write")
    folder: OutputFolder | None = Field(None, description="where to write")


def test_what_cannot_be_written_is_told_when_the_options_are_read(tmp_path, monkeypatch):
    (tmp_path / "a.csv").touch()
    words = [f"folder={tmp_path}/new/deep", f"file={tmp_path}/a.csv"]
    assert read_options(Outputs, words)[0].folder == tmp_path / "new/deep"
    with pytest.raises(ConfigError, match=f"folder: expected a folder, {tmp_path}/a.csv is a file"):
        read_options(Outputs, [f"folder={tmp_path}/a.csv/deep"])
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may write anywhere
    with pytest.raises(ConfigError) as caught:
        read_options(Outputs, words)
    assert str(caught.value) == (
        f"file: {tmp_path}/a.csv cannot be written: no permission to write to {tmp_path}/a.csv; "
        f"folder: {tmp_path}/new/deep cannot be written: no permission to write to {tmp_path}"
    )


def test_the_help_shows_what_is_required_and_each_default(capsys):
    with pytest.raises(SystemExit) as ended:
        print_help_if_asked(
            ["run=a", "--help"], usage_of("try", Options), "Tries.", option_rows(Options), "More."
        )
    assert ended.value.code == 0
    assert capsys.readouterr().out == (
        "usage: try run=RUN [--KEY VALUE ...]\n\nTries.\n\n"
        "  run      which one\n"
        "  steps    how many (default: 10)\n"
        "  seed     of the noise (default: 0)\n"
        "  force    from scratch (default: false)\n"
        "  layer    where (default: the last)\n"
        "  fail_if  repeatable\n"
        "  names    comma-separated\n\n"
        "More.\n\n"
        "--KEY VALUE, --KEY=VALUE and KEY=VALUE mean the same.\n\n"
        "Exit codes: 0 done, 2 a mistake that you can mend, 70 a defect;\n"
        "docs/stopping.md has the others.\n"
    )
