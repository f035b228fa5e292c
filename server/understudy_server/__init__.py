"""Jobs, their queue, storage and gRPC service, and the process that runs the engine.

The API's process never imports torch; only ``engine_process.worker`` does, in a process of its own.
"""

from importlib.metadata import version

__version__ = version("understudy")
