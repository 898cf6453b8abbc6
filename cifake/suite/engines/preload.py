"""For the process that workers are forked from, see ``workers``: importing this is what it does first.

From here on what it says goes to the workers' log.
"""

import os

from cifake.suite.engines.imports import import_all
from cifake.suite.run_job import worker_log

with worker_log().open("a") as stream:
    os.dup2(stream.fileno(), 1)  # whoever reads what the suite prints does not wait for this process
    os.dup2(stream.fileno(), 2)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import_all()
