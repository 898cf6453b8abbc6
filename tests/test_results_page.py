"""What pages show of the published results is what compare.py makes of them.

In a page it stands between the command and ``<!-- end -->``; the intervals in its sentences are those of
commands that it names. docs/board.html is a report, docs/board.png its forest plot; docs/leaderboard.png is
that of the example in README.md. REFRESH_PAGES=1 python -m pytest tests/test_results_page.py makes all of
them again, but for sentences.
"""

import os
import re
import shlex
import subprocess
import sys
from functools import cache

import pytest
from PIL import Image

from benchmarks.costs import table
from cifake.comparison import compare
from cifake.comparison.render.text import text as for_terminal
from cifake.comparison.table import Section
from tests.support.project import REPOSITORY
from tests.support.project import compare as run

MARKED = re.compile(
    r"<!-- python compare\.py (?P<words>--results [^\n]*) -->\n(?P<shown>.*?)<!-- end -->", re.DOTALL
)
NAMED = re.compile(r"python compare\.py\s(--results[^`>]*?)`")
INTERVAL = re.compile(r"\[([+-]?\d*\.\d+),\s([+-]?\d*\.\d+)\]")
PAGES = [
    page
    for folder in ("", "experiments", "docs")
    for page in (REPOSITORY / folder).glob("*.md")
    if MARKED.search(page.read_text())
]
BOARD = [
    "--results=experiments/results", "--metric=accuracy", "--split=full,all", "--baseline=base",
    "--min-seeds=3",
]  # fmt: skip


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


def test_costs_are_those_of_the_published_results(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    page = REPOSITORY / "experiments/README.md"
    before, command, after = page.read_text().partition("<!-- python -m benchmarks.costs -->\n")
    shown, end, rest = after.partition("<!-- end -->")
    expected = f"\n{table()}\n"
    if "REFRESH_PAGES" in os.environ:
        page.write_text(before + command + expected + end + rest)
    else:
        assert shown == expected


def intervals(text):
    return {(float(low), float(high)) for low, high in INTERVAL.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_intervals_in_sentences_are_printed_by_a_command_of_their_page(page, monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    text = page.read_text().partition("## An earlier version")[0]
    printed = {each for table in MARKED.finditer(text) for each in intervals(table["shown"])}
    text = MARKED.sub("", text)
    for words in NAMED.findall(text):
        assert run(*shlex.split(words), "--format", "md") == 0, capsys.readouterr().err
        printed |= intervals(capsys.readouterr().out)
    printed |= {(-high, -low) for low, high in printed}  # of a difference the other way round
    assert intervals(text) - printed == set()


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


@cache
def board():
    return compare("accuracy", split="full,all", baseline="base", min_seeds=3, results="experiments/results")


def test_the_report_is_of_the_published_results(monkeypatch, request):
    monkeypatch.chdir(REPOSITORY)
    if "REFRESH_PAGES" in os.environ:
        request.getfixturevalue("real_data")  # for its pictures
        words = [*BOARD, "--near-copies", "experiments/near_copies.csv", "--output", "docs/board.html"]
        subprocess.run([sys.executable, "compare.py", *words], check=True)  # the report names its command
    page = (REPOSITORY / "docs/board.html").read_text()
    assert len(page) < 3e6
    (table,) = board().tables
    assert f'<p class="conclusion">{table.conclusion}</p>' in page


@cache
def example():
    variants = ["base", "epoch", "sgd", "sigmoid", "val"]
    return compare("f1", split="small", variants=variants, results="experiments/results")


def test_the_readme_s_example_is_of_the_published_results(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    page = REPOSITORY / "README.md"
    before, command, after = page.read_text().partition("$ python compare.py --metric f1\n")
    shown, fence, rest = after.partition("```")
    lines = for_terminal([Section("leaderboard", example().tables)], width=112).strip().splitlines()
    expected = "".join(f"{line.rstrip()}\n" for line in lines)
    if "REFRESH_PAGES" in os.environ:
        page.write_text(before + command + expected + fence + rest)
    else:
        assert shown == expected


@pytest.mark.parametrize(("picture", "of"), [("board", board), ("leaderboard", example)])
def test_pictures_are_of_the_published_results(picture, of, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    (figure,) = of().figures
    title = figure.get_suptitle()
    if "REFRESH_PAGES" in os.environ:
        figure.savefig(f"docs/{picture}.png", dpi=110, metadata={"Title": title})
    with Image.open(f"docs/{picture}.png") as saved:
        assert saved.text["Title"] == title
