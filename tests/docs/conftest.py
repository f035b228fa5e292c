"""The server with the tiny engine, and the shot, that the command line's tests have."""

from __future__ import annotations

from tests.server.cli.conftest import server_home, shot

__all__ = ["server_home", "shot"]
