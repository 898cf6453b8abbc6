"""How commands end."""

import os
import subprocess
import sys

from mlflow.exceptions import MlflowException

from cifake.core.reasons import reason


def test_a_reader_that_has_gone_is_no_defect():
    code = (
        "import sys\nfrom cifake.core.errors import exit_code\n"
        "sys.exit(exit_code(lambda: print(*range(100_000), sep='\\n')))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as done:
        assert done.stdout.readline() == b"0\n"
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == 141


def run(code, *words, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode("ascii")


def test_a_defect_has_an_exit_code_of_its_own_and_keeps_its_traceback():
    code = (
        "import sys\nfrom cifake.core.errors import exit_code\n"
        "sys.exit(exit_code(lambda: {}['http://me:secret@host']))"
    )
    number, output, messages = run(code)
    assert (number, output) == (70, "")
    assert messages.startswith("Traceback (most recent call last):\n")
    assert messages.endswith("KeyError: 'http://host'\n")


def test_a_table_is_written_in_ascii_where_the_terminal_has_no_more(compared):
    code = (
        "import sys\nfrom cifake.core.errors import exit_code\nfrom cifake.compare.__main__ import main\n"
        "sys.exit(exit_code(lambda: main(sys.argv[1:])))"
    )
    words = (f"--tracking-uri={compared}", "--fail-if=f1 < 0.0001", "--allow-single-seed")
    for environment in (
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ):
        number, output, messages = run(code, *words, **environment)
        assert number == 0, messages
        assert "------------" in output
        assert "Mean +- standard deviation over seeds" in output
        assert "\\u" not in output


def test_a_reason_is_the_databases_own():
    said = "(sqlite3.OperationalError) disk I/O error"
    above = "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block)"
    assert reason(MlflowException(f"{above}\n{said}\n[SQL: INSERT INTO runs]")) == said
