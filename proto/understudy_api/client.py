"""The client of the Understudy server, for plugins, scripts and the command line.

    with Client.connect() as client:
        clip, character = client.hand_over("plate.mov"), client.hand_over("hero.png")
        spec = job_pb2.JobSpec(animate=job_pb2.AnimateSpec(clip=clip.name, character=character.name))
        job = client.create_job(spec, "hero, shot 12")
        for event in client.watch(job.name):
            ...

It needs grpc and the standard library, and never imports its own package by name: Blender's extension carries
a copy under another. All methods may be called from any thread. Every error is one of errors.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from .analysis_calls import AnalysisCalls, passes_of
from .connection import Connection
from .endpoint import Endpoint
from .following import Frame
from .job_calls import JobCalls, succeeded
from .media_calls import MediaCalls
from .result_calls import ResultCalls
from .server_calls import ServerCalls

__all__ = ["Client", "Frame", "passes_of", "succeeded"]


class Client(AnalysisCalls, ResultCalls, MediaCalls, JobCalls, ServerCalls, Connection):
    """A connection to the Understudy server. Close it, or use it in a ``with`` statement.

    When the server was found through its endpoint file, calls and streams also find one that was started in its
    place. Streams and transfers wait *patience_s* seconds for one.
    """

    @classmethod
    def connect(
        cls, endpoint: Endpoint | None = None, *, folder: Path | None = None, timeout_s: float = 5.0
    ) -> Self:
        """A client whose server has answered.

        Raises:
            ServerAway: no server runs, or it did not answer within *timeout_s* seconds.
            TokenRefused: it answered, and does not know the token.
        """
        client = cls(endpoint, folder=folder)
        try:
            client.info(timeout_s=timeout_s)
        except BaseException:
            client.close()
            raise
        return client
