"""The command line: a client of the server like any other, which can also start and end it."""

from .app import main

__all__ = ["main"]
