"""A server as a process: ``python -m tests.server.support.serve SETTINGS`` (JSON)."""

from __future__ import annotations

import sys

from understudy_server.server import serve
from understudy_server.settings import Settings

if __name__ == "__main__":
    serve(Settings.model_validate_json(sys.argv[1]))
