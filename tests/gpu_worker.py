"""Stands in for a worker process: it tells which GPU it was given, and dies with its first job on GPU 7."""

import os

from cifake.suite.worker import Event, settle, worker_log


def serve(pipe, surroundings, gpu):
    settle(surroundings, gpu)
    died = worker_log().with_name("died")
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
