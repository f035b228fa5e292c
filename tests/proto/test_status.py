from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from understudy_api import errors
from understudy_api.client import Client
from understudy_api.status import job_error
from understudy_api.v1 import types_pb2


def status(code: grpc.StatusCode, reason: str, message: str = "Said.", **metadata: str) -> types_pb2.Status:
    info = types_pb2.ErrorInfo(reason=reason, domain="understudy_api.v1", metadata=metadata)
    detail = types_pb2.StatusDetail(
        type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString()
    )
    return types_pb2.Status(code=code.value[0], message=message, details=[detail])


@pytest.fixture
def refusal(scripted, run) -> Callable[..., errors.UnderstudyError]:
    """The client's error when the server ends a call with a code, words and trailing bytes."""

    def refuse(
        code: grpc.StatusCode, words: str = "", details: bytes | None = None
    ) -> errors.UnderstudyError:
        def job(name, context):
            if details is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", details),))
            context.abort(code, words)

        scripted.job = job
        with Client(run(scripted).endpoint()) as client, pytest.raises(errors.UnderstudyError) as caught:
            client.job("jobs/x")
        return caught.value

    return refuse


def test_what_grpc_itself_refuses_as_too_large_is_told_in_our_words(refusal) -> None:
    error = refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)")
    assert type(error) is errors.InvalidRequest
    assert error.message.startswith("The request is larger than the server takes. Send it in parts")
    assert type(refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many.")) is errors.Busy


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND", errors.NotFound),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", errors.InvalidRequest),
        (grpc.StatusCode.INVALID_ARGUMENT, "CORRUPT_MEDIA", errors.MediaRefused),
        (grpc.StatusCode.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT", errors.PathRefused),
        (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_BAD", errors.TokenRefused),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "DISK_FULL", errors.DiskFull),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", errors.Busy),
        (grpc.StatusCode.ALREADY_EXISTS, "OUTPUT_EXISTS", errors.AlreadyExists),
        (grpc.StatusCode.FAILED_PRECONDITION, "MEDIA_CHANGED", errors.Conflict),
        (grpc.StatusCode.NOT_FOUND, "A_REASON_OF_TOMORROW", errors.NotFound),
    ],
)
def test_a_refusal_arrives_with_its_class_reason_words_and_values(refusal, code, reason, kind) -> None:
    sent = status(code, reason, "What happened. What to do.", frames="12")
    error = refusal(code, "What happened. What to do.", sent.SerializeToString())
    assert type(error) is kind
    assert (error.reason, error.message) == (reason, "What happened. What to do.")
    assert error.metadata == {"frames": "12"}


@pytest.mark.parametrize("details", [None, b"", b"\xff\xff\xff", b"\x08"])
def test_missing_or_garbled_details_leave_code_and_words(refusal, details) -> None:
    error = refusal(grpc.StatusCode.NOT_FOUND, "no such job", details)
    assert type(error) is errors.NotFound
    assert "no such job" in error.message


def test_details_of_another_code_are_not_believed(refusal) -> None:
    sent = status(grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert (
        type(refusal(grpc.StatusCode.ALREADY_EXISTS, "there", sent.SerializeToString()))
        is errors.AlreadyExists
    )


def test_a_garbled_error_info_leaves_the_words(refusal) -> None:
    sent = status(grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    sent.details[0].value = b"\xff\xff"
    error = refusal(grpc.StatusCode.NOT_FOUND, "", sent.SerializeToString())
    assert (type(error), error.message, error.reason) == (errors.NotFound, "Said.", "NOT_FOUND")


def test_a_defect_of_the_server_is_internal(refusal) -> None:
    assert type(refusal(grpc.StatusCode.UNKNOWN, "Exception calling application")) is errors.Internal


def test_a_port_where_nobody_listens_is_told_with_the_next_step(scripted, run) -> None:
    server = run(scripted)
    server.stop()
    with pytest.raises(errors.ServerAway, match="understudy serve"):
        Client.connect(server.endpoint(), timeout_s=2.0)


def test_a_failed_job_is_a_job_failed_whatever_its_reason() -> None:
    error = job_error(status(grpc.StatusCode.RESOURCE_EXHAUSTED, "DISK_FULL", "Full."))
    assert (type(error), error.reason) == (errors.JobFailed, "DISK_FULL")
    out_of_memory = job_error(status(grpc.StatusCode.RESOURCE_EXHAUSTED, "GPU_OUT_OF_MEMORY"))
    assert type(out_of_memory) is errors.OutOfMemory


def test_every_class_of_the_tree_is_in_its_drawing() -> None:
    leaves = [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.UnderstudyError)
    ]
    assert [name for name in leaves if name not in (errors.__doc__ or "")] == []
