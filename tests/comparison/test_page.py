"""The HTML report in a browser."""

import json

import mlflow
import pytest

from cifake.compare.__main__ import main
from cifake.comparison import compare
from cifake.core.errors import exit_code
from tests.support.browser import browser
from tests.support.made_runs import log_trained
from tests.support.servers import serve

SCRIPT = "<script>alert(1)</script>"
VARIANTS = "[...document.querySelectorAll('#leaderboard tbody th')].map(cell => cell.firstChild.data)"
# Contrast as WCAG defines it, of every element with text of its own, with the opacity of those around it.
CONTRAST = """(selector => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const rgb = (colour, opacity) => {
    context.globalAlpha = 1; context.fillStyle = ground; context.fillRect(0, 0, 1, 1);
    context.globalAlpha = opacity; context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = values => values.map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = getComputedStyle(document.querySelector("nav")).backgroundColor;
  const opacity = part => part ? getComputedStyle(part).opacity * opacity(part.parentElement) : 1;
  return [...document.querySelectorAll(selector)]
    .filter(part => [...part.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(part => {
      const style = getComputedStyle(part), colour = part.closest("svg") ? style.fill : style.color;
      const [low, high] = [light(rgb(colour, opacity(part))), light(rgb(ground, 1))].sort((a, b) => a - b);
      return [(high + 0.05) / (low + 0.05), part.textContent.trim(), colour];
    }).sort((a, b) => a[0] - b[0]);
})("header *, nav *, main *:not(svg *), #leaderboard svg text, #curves svg text")"""


@pytest.fixture(scope="module")
def window():
    with browser() as page:
        yield page


@pytest.fixture(scope="module")
def report(compared, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(compare("accuracy", tracking_uri=compared).render("html"), encoding="utf-8")
    return file


@pytest.fixture
def page(window, report):
    """The report, opened anew."""
    window.prefer("light")
    window.resize(1280, 900)
    window.open(f"file://{report}")
    return window


def test_nothing_else_is_asked_for_and_it_is_small(page, report):
    assert page.requests == [f"file://{report}"]
    assert report.stat().st_size < 3_000_000


def test_a_name_that_would_be_a_script_is_text(window, store, tmp_path):
    log_trained(SCRIPT, 1.0, [0, 1], history=[0.5, 0.4])
    file = tmp_path / "report.html"
    file.write_text(compare().render("html"), encoding="utf-8")
    window.open(f"file://{file}")
    assert window.evaluate(VARIANTS) == [SCRIPT]
    assert window.evaluate("document.querySelector('#curves .legend').innerText").strip() == SCRIPT
    assert window.evaluate("document.scripts.length") == 1


def test_a_click_on_a_title_sorts_and_another_turns_the_order_round(page):
    best_first = page.evaluate(VARIANTS)
    assert {*best_first[:2]} == {"base", "val"}
    assert best_first[2:] == ["sgd", "sigmoid"]
    for order, expected in (
        ("ascending", ["base", "sgd", "sigmoid", "val"]),
        ("descending", ["val", "sigmoid", "sgd", "base"]),
    ):
        page.click("#leaderboard th:nth-child(2) button")
        assert page.evaluate(VARIANTS) == expected
        assert page.evaluate("document.querySelector('#leaderboard [aria-sort]').ariaSort") == order
    page.click("#leaderboard th:nth-child(1) button")  # by rank, a number
    assert page.evaluate(VARIANTS) == best_first


def test_a_filter_hides_rows_and_counts_those_that_are_left(page):
    shown = (
        "[...document.querySelectorAll('#leaderboard tbody tr')].filter(row => row.checkVisibility()).length"
    )
    assert page.evaluate(shown) == 4
    page.write("input", "SGD, sigmoid")
    assert page.evaluate(shown) == 2
    assert page.evaluate("document.querySelector('output').value").endswith(" rows")
    page.write("input", "")
    assert page.evaluate(shown) == 4
    assert page.evaluate("document.querySelector('output').value") == ""


def test_a_click_in_a_legend_shows_one_variant_alone_in_every_figure(page):
    visible = (
        "Object.fromEntries(['base', 'sgd'].map(name => [name, [...new Set([...document.querySelectorAll("
        "`svg [data-series=${name}]`)].map(part => getComputedStyle(part).opacity))]]))"
    )
    assert page.evaluate(visible) == {"base": ["1"], "sgd": ["1"]}
    page.click("#curves .legend [data-series=sgd]")
    assert page.evaluate(visible) == {"base": ["0.08"], "sgd": ["1"]}
    pressed = (
        "[...document.querySelectorAll('[aria-pressed=true]')].every(part => part.dataset.series === 'sgd')"
    )
    assert page.evaluate(pressed)
    page.click("#calibration .legend [data-series=sgd]")
    assert page.evaluate(visible) == {"base": ["1"], "sgd": ["1"]}


def test_hovering_a_point_shows_its_value(page):
    tip = "document.querySelector('#tip').checkVisibility() ? document.querySelector('#tip').innerText : ''"
    assert page.evaluate(tip) == ""
    page.point("#curves circle[data-series=sgd]")
    assert page.evaluate(tip) == "sgd: epoch 1, val/loss 0.6"
    page.point("#leaderboard circle[data-series=sigmoid]")
    assert page.evaluate(tip) == "sigmoid: 0.6300 [0.5629, 0.6971]\nsigmoid, seed 0: 0.6300"
    page.point("h1")
    assert page.evaluate(tip) == ""


@pytest.mark.parametrize(("width", "scrolls"), [(1280, ".scroll"), (390, ".table")])
def test_nothing_is_cut_off(page, width, scrolls):
    page.resize(width, 900)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = "[...document.querySelectorAll('%s')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert page.evaluate(outside % scrolls) == 0


def test_a_phone_shows_the_best_rows_whole_on_its_first_screens(page):
    page.resize(390, 844)
    bottom = "document.querySelectorAll('#leaderboard tbody tr')[1].getBoundingClientRect().bottom"
    assert page.evaluate(bottom) < 844


@pytest.mark.parametrize(("width", "shown"), [(1280, True), (390, False)])
def test_a_phone_shows_a_heat_map_and_not_its_cells_as_cards_too(page, width, shown):
    page.resize(width, 844)
    visible = "document.querySelector('#pairwise %s').checkVisibility()"
    assert page.evaluate(visible % ".table") == shown
    assert page.evaluate(visible % "svg")


def test_names_in_a_figure_can_be_read_on_a_phone(page):
    page.resize(390, 844)
    text = "[...document.querySelectorAll('#leaderboard svg text')].find(t => t.textContent == 'sigmoid')"
    assert page.evaluate(f"{text}.getBoundingClientRect().height") >= 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, scheme):
    page.prefer(scheme)
    texts = page.evaluate(CONTRAST)
    assert len(texts) > 100
    assert texts[0][0] >= 4.5, texts[:5]


def test_on_paper_everything_is_there_but_what_is_to_be_clicked(page):
    page.prefer("dark", media="print")
    page.resize(1031, 700)  # A4, landscape, without margins
    assert page.evaluate("document.documentElement.scrollWidth") == 1031
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "light"
    assert not page.evaluate("document.querySelector('nav').checkVisibility()")
    overflow = (
        "[...new Set([...document.querySelectorAll('.scroll')].map(e => getComputedStyle(e).overflow))]"
    )
    assert page.evaluate(overflow) == ["visible"]


def test_a_screen_reader_finds_its_way(page):
    assert page.evaluate("document.querySelector('h1').innerText") == "accuracy of 4 variants, 10 runs"
    sections = page.evaluate("[...document.querySelectorAll('h2')].map(e => e.innerText)")
    assert sections[:2] == ["Which is best?", "Each pair"]
    assert page.evaluate("[...document.querySelectorAll('nav a')].map(e => e.innerText)") == sections
    assert page.evaluate("document.querySelectorAll('thead th:not([scope=col])').length") == 0
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(e => e.closest('[role=img]').ariaLabel)"
    )
    assert "leads with accuracy" in page.evaluate("document.querySelector('[role=img]').ariaLabel")


def test_in_mlflows_viewer_contents_are_reached_and_links_are_explained(
    store, tmp_path, free_port, capsys, window
):
    log_trained("base", 1.0, [0, 1], history=[0.5, 0.4])
    with serve(tmp_path, free_port, tmp_path / "mlflow.db") as uri:
        assert exit_code(lambda: main(["--tracking-uri", uri, "--log", "--format", "json"])) == 0
        assert json.loads(capsys.readouterr().out)["leaderboard"]  # MLflow's own lines go elsewhere
        client = mlflow.MlflowClient(uri)
        (run,) = client.search_runs(["1"], "tags.tool = 'compare'")
        window.open(f"{uri}/#/experiments/1/runs/{run.info.run_id}/artifacts/report.html")
        with window.frame():
            window.wait_for("document.readyState === 'complete' && document.querySelector('h1') !== null")
            assert window.evaluate("document.querySelector('h1').innerText") == "F1 of 1 variant, 2 runs"
            window.click("nav a[href='#runs']")
            assert window.evaluate("scrollY") > 0
            assert window.evaluate("document.querySelector('.framed').checkVisibility()")
            address = window.evaluate("document.querySelector('#runs td a').href")
    assert address.startswith(f"{uri}/#/experiments/1/runs/")


@pytest.mark.parametrize(("ground", "ink"), [("white", "black"), ("#111111", "white")])
def test_a_notebook_shows_the_table_in_its_own_colours_and_keeps_its_own_style(
    window, compared, tmp_path, ground, ink
):
    cell = compare(tracking_uri=compared)._repr_html_()
    file = tmp_path / "notebook.html"
    other = '<table><tr><td id="other" class="number better">1</td></tr></table>'
    file.write_text(f'<body style="background: {ground}; color: {ink}">{other}<p id="ink">.</p>{cell}')
    window.open(f"file://{file}")
    colour = "getComputedStyle(document.querySelector('%s')).color"
    assert window.evaluate(colour % "#other") == window.evaluate(colour % "#ink")
    assert window.evaluate(colour % ".cifake .number") == window.evaluate(colour % "#ink")
    assert window.evaluate("getComputedStyle(document.querySelector('#other')).textAlign") == "start"
    assert "button" not in cell


def test_a_variant_has_the_colour_of_its_runs_in_mlflow(page):
    colour = "getComputedStyle(document.querySelector('#curves .legend [data-series=%s] i')).borderTopColor"
    assert page.evaluate(colour % "base") == "rgb(0, 114, 178)"  # #0072B2
    assert page.evaluate(colour % "sgd") == "rgb(213, 94, 0)"
