"""Stands in for a worker process: it tells which GPU it was given, and dies with its first job on GPU 7."""

import os

from cifake.core.native_output import native_log
from cifake.suite.jobs import Event
from cifake.suite.run_job import configure_worker


def run_worker(pipe, run_context, gpu):
    configure_worker(run_context, gpu)
    died = native_log().with_name("died")
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        seen = os.environ["CUDA_VISIBLE_DEVICES"]
        if seen == "7" and not died.exists():
            died.touch()
            os._exit(9)
        pipe.send(Event(job.number, "finished", text=seen))
