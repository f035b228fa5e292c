"""Exit codes, and the one place where an expected error becomes a sentence and a code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import IntEnum
from typing import ParamSpec

import pydantic
import typer

from understudy_api import errors as api
from understudy_api.status import status_error
from understudy_engine.errors import EngineError

from ..errors import AlreadyRunning, ServerError, to_status
from .voice import Voice

Parameters = ParamSpec("Parameters")


class Exit(IntEnum):
    OK = 0
    JOB_FAILED = 1  # the job failed or was cancelled; everything up to it went well
    BAD_INPUT = 2  # a file, an option or a combination that cannot work
    SERVER_AWAY = 3  # no server, or it does not answer
    DEFECT = 4  # ours: please report it
    INTERRUPTED = 130  # Ctrl-C


def exit_code(error: api.UnderstudyError) -> Exit:
    match error:
        case api.ServerAway() | api.TokenRefused():
            return Exit.SERVER_AWAY
        case api.JobFailed() | api.DiskFull():
            return Exit.JOB_FAILED
        case api.Internal():
            return Exit.DEFECT
        case _:
            return Exit.BAD_INPUT


def reported(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """*command* with every expected error told in one sentence (or as JSON), and with an exit code."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        voice = Voice(as_json=bool(kwargs.get("as_json")))
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            voice.fail(api.JobCancelled("Interrupted.", reason="INTERRUPTED"))
            raise typer.Exit(Exit.INTERRUPTED) from None
        except BrokenPipeError:
            raise typer.Exit(Exit.OK) from None  # the reader of our output has had enough: `| head`
        except (api.UnderstudyError, ServerError, EngineError, pydantic.ValidationError) as error:
            told = as_api_error(error)
            voice.fail(told)
            raise typer.Exit(exit_code(told)) from None

    return run


def as_api_error(error: Exception) -> api.UnderstudyError:
    """*error* of any of our trees as one of the client's."""
    match error:
        case api.UnderstudyError():
            return error
        case AlreadyRunning():
            return api.Conflict(error.message, reason="ALREADY_RUNNING", metadata=_words(error.facts))
        case ServerError() | EngineError():
            told = status_error(to_status(error))
            told.message = error.message  # paths are hidden from clients of a server, not from its owner
            return told
        case pydantic.ValidationError():
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return api.InvalidRequest(f"{where}: {first['msg']}", metadata={"field": where})
        case _:
            raise error


def _words(facts: dict[str, str | int | float]) -> dict[str, str]:
    return {name: str(value) for name, value in facts.items()}
