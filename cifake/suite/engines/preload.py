"""The first import of the process that workers are forked from: it imports what all of them need."""

from cifake.core.native_output import redirect_to_native_log
from cifake.suite.engines.imports import import_all

redirect_to_native_log(1, 2)  # not the suite's output: who reads that would wait for this process, too
import_all()
