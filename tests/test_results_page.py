"""What pages show between a command of compare.py and ``<!-- end -->`` is the output of that command.

REFRESH_PAGES=1 python -m pytest tests/test_results_page.py writes it there.
"""

import os
import re
import shlex

import pytest

from tests.support.project import REPOSITORY
from tests.support.project import compare as run

MARKED = re.compile(
    r"<!-- python compare\.py (?P<words>--results [^\n]*) -->\n(?P<shown>.*?)<!-- end -->", re.DOTALL
)
PAGES = [
    REPOSITORY / "README.md",
    *(REPOSITORY / "experiments").glob("*.md"),
    *(REPOSITORY / "docs").glob("*.md"),
]


def refreshed(text, capsys):
    """A page whose marked tables are made again."""

    def made(found):
        assert run(*shlex.split(found["words"])) == 0, capsys.readouterr().err
        output = capsys.readouterr().out.strip()
        return found[0].replace(f"-->\n{found['shown']}<!-- end", f"-->\n\n{output}\n\n<!-- end")

    return MARKED.sub(made, text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_what_their_commands_print(page, monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    text = page.read_text()
    expected = refreshed(text, capsys)
    if "REFRESH_PAGES" in os.environ:
        page.write_text(expected)
    else:
        assert text == expected


def test_a_wrong_digit_is_found_and_mended(compared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("--tracking-uri", compared, "--publish", "results", "--output", "x.md", "--format", "md") == 0
    page = "Text.\n\n<!-- python compare.py --results results --format md -->\n<!-- end -->\n\nMore.\n"
    right = refreshed(page, capsys)
    assert (tmp_path / "x.md").read_text().strip() in right
    assert refreshed(right, capsys) == right
    wrong = right.replace("0.8515", "0.8615")
    assert wrong != right
    assert refreshed(wrong, capsys) == right
