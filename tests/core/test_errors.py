"""How commands end."""

import subprocess
import sys


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
