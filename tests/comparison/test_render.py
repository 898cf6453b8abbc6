import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from cifake.comparison import VIEW_NAMES, compare
from cifake.comparison.provenance import provenance
from cifake.comparison.render import FORMATS
from cifake.comparison.render.html import TITLES, fit_page, page_columns
from cifake.comparison.render.text import text
from cifake.comparison.table import Column, Section, Table
from tests.support.made_runs import log_run, log_trained, write_near_copies

SCRIPT = "<script>alert(1)</script>"


def test_cells():
    row = {"v": 0.91236, "sd": 0.01, "low": 0.9, "high": 0.92, "p": 0.0004, "none": None}
    assert Column("v", "", ".4f", spread="sd").show(row) == "0.9124 ± 0.0100"
    assert Column("low", "", ".1f", upto="high", upto_form="{}-{}").show(row) == "0.9-0.9"
    assert Column("low", "", "+.2f", upto="high").show(row) == "[+0.90, +0.92]"
    assert Column("p", "", "p").show(row) == "<0.001"
    assert Column("v", "", "p").show(row) == "0.912"
    assert Column("none", "", ".4f").show(row) == "-"


def test_formats_agree(store):
    log_run("base", 0, f1=0.9)
    log_run("base", 1, f1=1 / 3)
    log_run("a|b", f1=0.1)
    report = compare()
    (document,) = json.loads(report.render("json"))["leaderboard"]
    assert document["metric"] == "test/f1"
    assert document["test_images"] == 20000
    assert document["rows"][0]["test/f1"] == (0.9 + 1 / 3) / 2
    rows = list(csv.DictReader(io.StringIO(report.render("csv"))))
    assert [row["variant"] for row in rows] == ["base", "a|b"]
    assert float(rows[0]["test/f1"]) == (0.9 + 1 / 3) / 2
    assert rows[1]["test/f1_std"] == ""
    assert rows[0]["split"] == "full"
    lines = report.render("md").splitlines()
    assert lines[0] == "**base leads with F1 0.6167. Without predictions no difference is tested.**"
    assert document["conclusion"] == "base leads with F1 0.6167. Without predictions no difference is tested."
    assert lines[4].startswith("| # | variant | seeds | F1 | differs in | accuracy |")
    assert lines[6].startswith("| 1 | base | 2 | 0.6167 ± 0.4007 | - | 0.9100 |")
    assert lines[7].startswith("| 2 | a\\|b | 1 | 0.1000 |")
    plain = report.render("text")
    assert "0.6167 ± 0.4007" in plain
    assert "\x1b" not in plain
    tex = report.render("tex").splitlines()
    assert tex[2].startswith(
        r"\caption{base leads with F1 0.6167. Without predictions no difference is tested. cifake, split "
    )
    assert tex[3] == r"\label{tab:leaderboard}"
    assert tex[6] == r"\# & variant & seeds & F1 & differs in & accuracy & loss & training s \\"
    assert tex[8] == r"1 & \textbf{base} & 2 & \textbf{0.6167 $\pm$ 0.4007} & - & 0.9100 & 0.2000 & 60.0 \\"
    assert report.frame["test/f1"].tolist() == [(0.9 + 1 / 3) / 2, 0.1]


def test_latex_escapes_its_own_characters():
    table = Table("5 % of a_b & c", [Column("x", "x")], [{"x": "a\\b{c}~^ < -0.5 e-3"}])
    tex = FORMATS["tex"]([Section("s", [table])])
    assert r"\caption{5 \% of a\_b \& c}" in tex
    assert r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{} $<$ $-$0.5 e-3 \\" in tex


def test_latex_takes_no_cell_as_an_argument_of_the_line_above():
    table = Table(
        "", [Column("x", "[x]"), Column("y", "y")], [{"x": "[8]", "y": "[1]"}, {"x": "*"}, {"x": "c"}]
    )
    lines = FORMATS["tex"]([Section("s", [table])]).splitlines()
    assert lines[6:12] == [
        r"{}[x] & y \\", r"\midrule", r"{}[8] & [1] \\", r"{}* & - \\", r"c & - \\", r"\bottomrule"
    ]  # fmt: skip


def test_text_shows_names_as_they_are():
    columns = [Column("x", "[relu, tanh]"), Column("verdict", "[/]")]
    shown = text([Section("s", [Table("c", columns, [{"x": "[/x] :fire:", "verdict": "better"}])])], 80)
    assert [line.split() for line in shown.splitlines()[2:5:2]] == [
        ["[relu,", "tanh]", "[/]"], ["[/x]", ":fire:", "better"]
    ]  # fmt: skip


def test_json_has_no_infinity():
    table = Table("", [], [{"a": float("inf"), "b": float("nan"), "c": 1.5}])
    (found,) = json.loads(FORMATS["json"]([Section("s", [table])]))["s"]
    assert found["rows"] == [{"a": None, "b": None, "c": 1.5}]


def test_text_leaves_out_what_does_not_fit_and_names_it(store):
    log_run("base [bold]", f1=0.9)
    section = Section("leaderboard", compare().tables)
    lines = text([section], width=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert "base [bold]" in "".join(lines)
    assert " ".join(" ".join(lines).split()).endswith(
        "[too-wide] Columns that do not fit into 40 characters: loss, training s."
    )
    assert "training s" in text([section], width=120)


def test_no_line_of_text_begins_with_a_percent_sign():
    section = Section("s", [Table("Intervals (95 %) are over seeds.", [Column("x", "x")], [{"x": 1}])])
    for width in range(12, 40):
        assert not [line for line in text([section], width).splitlines() if line.startswith("%")]


@pytest.mark.parametrize("view", [name for name in VIEW_NAMES if name != "trials"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_view_in_every_format(compared, view, form, tmp_path):
    near_copies = write_near_copies(tmp_path / "near.csv", [0, 1])
    rendered = compare(tracking_uri=compared).render(form, view, pivot=["optimizer"], near_copies=near_copies)
    assert "sgd" in rendered
    assert "nan" not in re.sub(r"<(svg|script).*?</\1>", "", rendered, flags=re.DOTALL).lower()


class Page(HTMLParser):
    """Every address that a page names, its text and its scripts."""

    def __init__(self, page):
        super().__init__()
        self.addresses, self.words, self.tags = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [
            value for name, value in attributes if name in ("src", "href", "xlink:href", "data", "srcset")
        ]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def page(store):
    """A report with a name that would be a script."""
    for variant in ("base", SCRIPT):
        log_trained(variant, 1.0, [0, 1], history=[0.5, 0.4], tested=True)
    return compare().render("html")


def test_html_has_every_view_and_names_no_other_address(page):
    found = Page(page)
    runs = [address for address in found.addresses if not address.startswith("#")]
    assert len(runs) == 4
    assert all(address.startswith("http://127.0.0.1:5000/#/experiments/1/runs/") for address in runs)
    assert not re.search(r"url\((?!#)|@import|src=", page)
    assert "default-src 'none'" in page
    assert {TITLES[name] for name in VIEW_NAMES if name not in ("trials", "pivot", "near_copies")} <= set(
        found.words
    )
    assert found.tags.count("svg") == 9
    assert found.tags.count("script") == 1
    assert SCRIPT in found.words


def test_a_notebook_shows_the_table(compared):
    shown = compare(tracking_uri=compared)._repr_html_()
    assert Page(shown).tags.count("table") == 1
    assert "script" not in Page(shown).tags


def test_a_table_of_many_columns_is_turned_on_a_page_and_stays_as_it_is_elsewhere():
    columns = [Column("variant", "variant"), *(Column(f"s{i}", f"setting {i}", "d") for i in range(20))]
    rows = [{"variant": name, **{f"s{i}": i for i in range(20)}} for name in ("base", "wide")]
    table = Table("", columns, rows)
    turned = fit_page(table)
    assert [column.title for column in turned.columns] == ["variant", "base", "wide"]
    assert turned.rows[3] == {"variant": "setting 3", "0": "3", "1": "3"}
    assert fit_page(Table("", columns[:10], rows)).columns == columns[:10]


def test_an_interval_stands_under_its_value_where_the_table_has_the_value():
    value, interval = Column("v", "F1", ".2f"), Column("v_low", "interval", ".2f", upto="v_high", under="v")
    assert page_columns(Table("", [value, interval], [])) == [(value, [interval], False)]
    assert page_columns(Table("", [interval], [])) == [(interval, [], False)]


def test_a_report_says_where_it_comes_from_without_passwords(monkeypatch):
    words = [
        "/usr/bin/python3",
        "compare.py",
        "--tracking-uri",
        "http://me:p@ss@host",
        "--filter",
        "a = 'b c'",
    ]
    monkeypatch.setattr("sys.orig_argv", words)
    facts = provenance("postgresql://me:secret@db/runs")
    assert facts["store"] == "postgresql://db/runs"
    assert facts["command"] == """python compare.py --tracking-uri http://host --filter 'a = '"'"'b c'"'"''"""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", facts["made"])
