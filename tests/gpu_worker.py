"""Stands in for a worker process: it tells which GPU it was given, and dies with its first job on GPU 7."""

import os

from cifake.suite.worker import Event, settle


def serve(pipe, surroundings, gpu, log):
    settle(surroundings, gpu)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        seen = os.environ["CUDA_VISIBLE_DEVICES"]
        if seen == "7" and not log.exists():
            log.touch()
            os._exit(9)
        pipe.send(Event(job.number, "finished", text=seen))
