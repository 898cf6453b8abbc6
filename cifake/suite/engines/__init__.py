"""Engines: worker processes on this machine, or tasks on a Ray cluster."""

from cifake.core.backend import require_ray
from cifake.suite.jobs import Engine
from cifake.suite.options import Options


def choose_engine(options: Options) -> Engine:
    """The engine that the options name. It starts TensorFlow's imports; with Ray it connects to the cluster.

    Raises:
        ConfigError, RunError: the engine cannot be used.
    """
    if options.engine == "ray":
        require_ray()
        from cifake.suite.engines.ray import RayEngine

        return RayEngine(options.address, options.resources, len(options.variants) * len(options.seeds))
    from cifake.suite.engines.local import LocalEngine

    return LocalEngine(options.workers)
