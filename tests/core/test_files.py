"""Files are whole or not there, whatever happens while they are written."""

import subprocess
import sys
from pathlib import Path

import pytest

from cifake.core.errors import RunError
from cifake.core.files import exclusive, make_folder, written_aside


def test_a_file_takes_its_name_at_the_end(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with written_aside(file) as unfinished:
        unfinished.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_an_error_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), written_aside(file) as unfinished:
        unfinished.write_text(f"half {1 / 0}")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_whole_and_what_a_killed_process_left_is_removed(tmp_path):
    left = tmp_path / "folder.unfinished"
    left.mkdir()
    (left / "half").touch()
    with written_aside(tmp_path / "folder") as unfinished:
        unfinished.mkdir()
        (unfinished / "whole").touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["whole"]


def test_a_lock_keeps_other_processes_out_and_lets_this_one_in_again(tmp_path):
    path = tmp_path / "thing"
    code = (
        "import sys\nfrom pathlib import Path\nfrom cifake.core.files import exclusive\n"
        f"with exclusive(Path({str(path)!r}), 0):\n    pass"
    )
    with exclusive(path), exclusive(path, timeout=0):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "Timeout" in other.stderr
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (other.returncode, other.stderr) == (0, "")


@pytest.mark.parametrize("path", ["/dev/null/x", "/proc/x"])
def test_a_folder_that_cannot_be_made_is_one_line(path):
    with pytest.raises(RunError, match=rf"^{path} cannot be used \(.+\)$"):
        make_folder(Path(path))
