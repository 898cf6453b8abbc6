import re

import pytest

from cifake.comparison import compare
from cifake.comparison.notes import CODES, PAGE, link_codes, note
from tests.support.project import REPOSITORY


def test_every_code_has_its_paragraph_and_every_paragraph_its_code():
    page = (REPOSITORY / PAGE).read_text()
    _, _, of_notes = page.partition("\n## Notes\n")
    headings = re.findall(r"^#### (.*)$", of_notes.partition("\n## ")[0], re.MULTILINE)
    assert headings == list(CODES)


def test_every_code_is_used():
    sources = "".join(path.read_text() for path in (REPOSITORY / "cifake" / "comparison").rglob("*.py"))
    used = re.findall(r"""note\(\s*["']([a-z-]+)["']""", sources)
    assert set(used) == set(CODES)


def test_an_unknown_code_is_a_defect():
    with pytest.raises(ValueError, match="expected one of one-seed"):
        note("one-sed", "text")


def test_a_code_is_a_link_where_the_project_has_an_address(monkeypatch):
    assert link_codes("[one-seed] a &amp; b [0.1, 0.2] [other]") == (
        '<abbr title="docs/comparing.md#one-seed">[one-seed]</abbr> a &amp; b [0.1, 0.2] [other]'
    )
    monkeypatch.setattr("cifake.comparison.notes._address", lambda: "https://example.org/cifake")
    assert link_codes("[control]") == (
        '<a href="https://example.org/cifake/docs/comparing.md#control">[control]</a>'
    )


def test_reports_show_codes(compared):
    report = compare(tracking_uri=compared, top=3)
    notes = report.tables[0].notes
    assert [each.partition(" ")[0] for each in notes] == [
        "[smallest-difference]",
        "[control]",
        "[rows-not-shown]",
    ]
    assert "\n[control] " in report.render("text")
    assert '<abbr title="docs/comparing.md#control">[control]</abbr> ' in report.render("html")
