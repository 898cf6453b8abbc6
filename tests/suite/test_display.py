"""What a suite shows of its runs, on a terminal and in a log."""

import io
import re

from rich.console import Console

from cifake.suite.display import Display
from cifake.suite.jobs import Event
from cifake.suite.plan import make_jobs
from tests.support.project import BASE

EVENTS = (
    Event(0, "started"),
    Event(1, "started"),
    Event(0, "epoch", 1, 0.61),
    Event(1, "epoch", 3, 0.72),
    Event(1, "waits", text="the store does not answer"),
    Event(2, "started"),
    Event(2, "trial", text="trial 1"),
    Event(0, "epoch", 2, 0.51),
    Event(0, "epoch", 3, 0.58),
    Event(1, "failed", text="RunError: no"),
    Event(0, "finished"),
)


def make(count):
    return make_jobs([BASE], list(range(count)), {"dataset": "demo", "split": "small", "epochs": 4})


def displayed(terminal, events, count=3, height=24):
    jobs = make(count)
    console = Console(file=io.StringIO(), force_terminal=terminal, color_system=None, width=80, height=height)
    display = Display(jobs, console)
    with display.progress:
        for event in events:
            display.show(event)
        display.progress.refresh()
        live = console.file.getvalue()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[━╸╺]", "", live).replace("\r", "\n").splitlines()


def test_a_terminal_shows_bars_of_running_jobs_below_the_lines_of_ended_ones():
    lines = displayed(True, EVENTS)
    whole, running = (line.split() for line in lines[-2:])
    assert whole[:4] + whole[5:] == ["2", "of", "3", "runs", "left"]
    assert running == ["base", "seed", "2", "0/4", "trial", "1", "-:--:--", "left"]
    assert "base seed 1: waiting: the store does not answer" in lines
    assert "base seed 1: failed: RunError: no" in lines
    assert "base seed 0: finished, best 2: val/loss 0.5100" in lines


def test_a_bar_shows_the_best_epoch_and_from_where_it_is_known():
    last = [line.split() for line in displayed(True, EVENTS[:9])[-3:]]
    assert last[0][:5] == ["base", "seed", "0", "3/4", "best"]
    assert last[0][5:8] == ["2:", "val/loss", "0.5100"]
    assert last[1][:5] == ["base", "seed", "1", "3/4", "waiting"]
    resumed = displayed(True, EVENTS[:4])[-1]
    assert resumed.split()[4:8] == ["best", "since", "3:", "val/loss"]


def test_many_running_jobs_fit_in_a_terminal_with_the_count_on_top():
    events = [Event(number, "started") for number in range(25)]
    lines = displayed(True, events, count=25, height=10)[-10:]
    assert lines[0].split()[:4] == ["0", "of", "25", "runs"]
    assert [line.split()[:3] for line in lines[1:9]] == [["base", "seed", str(n)] for n in range(8)]
    assert lines[9].strip() == "..."


def test_a_reused_run_shortens_the_whole_and_keeps_the_estimate_of_the_time_left():
    display = Display(make(3), Console(file=io.StringIO(), force_terminal=True))
    clock = iter(range(1000))
    display.progress.get_time = lambda: next(clock)
    for event in (Event(0, "epoch", 1, 0.6), Event(0, "epoch", 2, 0.6), Event(1, "reused")):
        display.show(event)
    whole = display.progress.tasks[0]
    assert (whole.completed, whole.total) == (2, 8)
    assert whole.time_remaining


def test_a_log_has_a_line_for_each_change():
    assert displayed(False, EVENTS) == [
        "base seed 0: starting (0 of 3 done)",
        "base seed 1: starting (0 of 3 done)",
        "base seed 1: waiting: the store does not answer (0 of 3 done)",
        "base seed 2: starting (0 of 3 done)",
        "base seed 2: searching: trial 1 (0 of 3 done)",
        "base seed 1: failed: RunError: no (1 of 3 done)",
        "base seed 0: finished (2 of 3 done)",
    ]
