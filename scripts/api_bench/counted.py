"""A server that writes down how many WatchJob calls are open: ``python -m scripts.api_bench.counted SETTINGS``.

The file is named by OPEN_CALLS; each line is "+" or "-". Nothing else differs from the real server.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from understudy_api.v1 import job_pb2
from understudy_server.server import serve
from understudy_server.service.job import JobService
from understudy_server.settings import Settings


def count_watchers(file: Path) -> None:
    watch = JobService.WatchJob

    async def counted(
        self: JobService, request: job_pb2.WatchJobRequest, context: Any
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        _add(file, "+\n")
        try:
            async for response in watch(self, request, context):
                yield response
        finally:
            _add(file, "-\n")

    JobService.WatchJob = counted  # type: ignore[method-assign]


def _add(file: Path, line: str) -> None:
    with file.open("a") as log:
        log.write(line)


if __name__ == "__main__":
    count_watchers(Path(os.environ["OPEN_CALLS"]))
    serve(Settings.model_validate_json(sys.argv[1]))
