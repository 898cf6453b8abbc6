"""What a single training shows, on a terminal and in a log."""

import logging
import re

import pytest

from cifake.cli.training_progress import show_training
from cifake.core.progress import StderrHandler

EPOCHS = [{"train/loss": 0.7, "val/loss": loss, "val/accuracy": 0.5} for loss in (0.6, 0.5, 0.55)]


@pytest.fixture
def messages():
    handler, logger = StderrHandler(), logging.getLogger("cifake")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def train(first=0):
    with show_training("base", 8, "val/loss") as on_epoch_end:
        for epoch, metrics in enumerate(EPOCHS, start=first):
            on_epoch_end(epoch, metrics)
        logging.getLogger("cifake.test").info("the store does not answer")


def test_a_terminal_shows_a_bar_with_messages_above_it_and_then_removes_it(messages, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    train()
    seen = capsys.readouterr().err
    assert seen.endswith("\x1b[1A\x1b[2K")  # the line is erased
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[━╸╺]", "", seen).replace("\r", "\n").splitlines()
    assert "the store does not answer" in lines
    bar = next(line for line in reversed(lines) if line.strip())
    assert bar.split()[:5] == ["base", "3/8", "best", "2:", "val/loss"]
    assert bar.split()[5] == "0.5000"
    assert len(bar) < 80


def test_a_log_has_a_line_an_epoch(messages, capsys):
    train(first=4)
    assert capsys.readouterr().err.splitlines() == [
        "epoch 5 of 8: train/loss 0.7000, val/loss 0.6000, val/accuracy 0.5000",
        "epoch 6 of 8: train/loss 0.7000, val/loss 0.5000, val/accuracy 0.5000",
        "epoch 7 of 8: train/loss 0.7000, val/loss 0.5500, val/accuracy 0.5000",
        "the store does not answer",
    ]


def test_a_score_that_is_not_finite_is_never_the_best(messages, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with show_training("base", 8, "val/loss") as on_epoch_end:
        for epoch, loss in enumerate((float("nan"), 0.6, float("-inf"))):
            on_epoch_end(epoch, {**EPOCHS[0], "val/loss": loss})
    seen = capsys.readouterr().err
    assert "best 2: val/loss 0.6000" in seen
    assert not re.search("best [13]", seen)
