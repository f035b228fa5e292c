from __future__ import annotations

import inspect
from typing import Any

import pytest

from understudy_api.status import BY_REASON
from understudy_api.v1 import types_pb2
from understudy_engine import errors as engine_errors
from understudy_server import errors as server_errors
from understudy_server.errors import TABLE, ServerError, code_of, reason_of, to_status, without_paths

UNSEEN_BY_CLIENTS = {
    ServerError,
    server_errors.StatusError,  # carries a status of its own
    server_errors.AlreadyRunning,  # there is no server to tell it
}


def every_error() -> list[Any]:
    kinds = [
        kind
        for module in (engine_errors, server_errors)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    ]
    return [kind for kind in kinds if kind not in UNSEEN_BY_CLIENTS]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_and_a_reason_of_its_kind(kind: Any) -> None:
    status = to_status(kind("Something happened. Do this.", number=3))
    assert status.message == "Something happened. Do this."
    assert reason_of(status) != "INTERNAL"
    assert reason_of(status) in {reason for _, reason in TABLE.values()}
    info = types_pb2.ErrorInfo.FromString(status.details[0].value)
    assert info.metadata["number"] == "3"


def test_the_client_knows_no_reason_that_the_server_never_gives() -> None:
    assert BY_REASON.keys() <= {reason for _, reason in TABLE.values()}


def test_an_error_nobody_expected_tells_a_client_nothing_of_our_insides() -> None:
    status = to_status(KeyError("/home/artist/secret token=abc"))
    assert reason_of(status) == "INTERNAL"
    assert code_of(status).name == "INTERNAL"
    assert "secret" not in str(status)


def test_details_stay_below_what_grpc_carries_safely() -> None:
    facts: dict[str, str | int | float] = {f"fact{n}": "x" * 5000 for n in range(40)}
    status = to_status(ServerErrorOfSize("y" * 9000, **facts))
    assert status.ByteSize() < server_errors.DETAILS_LIMIT_BYTES


class ServerErrorOfSize(server_errors.InvalidField): ...


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/home/artist/shot 1/plate.mov is gone.", "shot 1/plate.mov is gone."),
        ("cannot open '/srv/jobs/ab/clip.mkv': no", "cannot open 'clip.mkv': no"),
        ("C:\\Users\\Ana\\plate.mov is gone", "plate.mov is gone"),
        ("\\\\nas\\share\\plate.mov", "plate.mov"),
        ("24000/1001 frames a second, 3/4 done", "24000/1001 frames a second, 3/4 done"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
        ("jobs/ab12 and media/cd34", "jobs/ab12 and media/cd34"),
    ],
)
def test_messages_name_files_and_never_where_they_lie(said: str, told: str) -> None:
    assert without_paths(said) == told
