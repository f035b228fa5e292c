"""Turns what the server answers into the errors of errors.py: failed calls and failed jobs alike.

The server sends a google.rpc.Status with one ErrorInfo. It is read with our own wire-compatible messages, so
that plugins need neither grpcio-status nor googleapis-common-protos, which pin protobuf.
"""

from __future__ import annotations

import grpc
from google.protobuf.message import DecodeError

from . import errors
from .v1 import types_pb2

DETAILS_KEY = "grpc-status-details-bin"
ERROR_INFO = "google.rpc.ErrorInfo"

BY_REASON: dict[str, type[errors.UnderstudyError]] = {
    "INVALID_FIELD": errors.InvalidRequest,
    "FRAME_RANGE_OUTSIDE": errors.InvalidRequest,
    "PASS_MISSING": errors.InvalidRequest,
    "PASS_MISMATCH": errors.InvalidRequest,
    "MATTE_EMPTY": errors.InvalidRequest,
    "PATH_OUTSIDE_ROOT": errors.PathRefused,
    "UNSUPPORTED_MEDIA": errors.MediaRefused,
    "CORRUPT_MEDIA": errors.MediaRefused,
    "MEDIA_TOO_LARGE": errors.MediaRefused,
    "HASH_MISMATCH": errors.MediaRefused,
    "MEDIA_CHANGED": errors.Conflict,
    "MEDIA_IN_USE": errors.Conflict,
    "UPLOAD_UNDER_WAY": errors.Busy,
    "UPLOAD_INCOMPLETE": errors.ServerAway,
    "JOB_NOT_TERMINAL": errors.Conflict,
    "OUTPUT_EXISTS": errors.AlreadyExists,
    "REQUEST_ID_REUSED": errors.AlreadyExists,
    "DISK_FULL": errors.DiskFull,
    "QUEUE_FULL": errors.Busy,
    "SERVER_DRAINING": errors.Busy,
    "GPU_OUT_OF_MEMORY": errors.OutOfMemory,
    "MODEL_HASH_MISMATCH": errors.Conflict,
    "JOB_CANCELLED": errors.JobCancelled,
    "ENGINE_FAILED": errors.JobFailed,
    "ENGINE_NAN": errors.JobFailed,
    "WORKER_CRASHED": errors.JobFailed,
    "WORKER_HUNG": errors.JobFailed,
}

BY_CODE: dict[grpc.StatusCode, type[errors.UnderstudyError]] = {
    grpc.StatusCode.UNAVAILABLE: errors.ServerAway,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.ServerAway,
    grpc.StatusCode.CANCELLED: errors.ServerAway,
    grpc.StatusCode.UNAUTHENTICATED: errors.TokenRefused,
    grpc.StatusCode.PERMISSION_DENIED: errors.TokenRefused,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidRequest,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: errors.Conflict,
    grpc.StatusCode.ABORTED: errors.Conflict,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Busy,
    grpc.StatusCode.UNIMPLEMENTED: errors.Unsupported,
    grpc.StatusCode.DATA_LOSS: errors.MediaRefused,
}

# What grpc says of these is about sockets; the artist needs to know what to do.
WITHOUT_DETAILS: dict[grpc.StatusCode, str] = {
    grpc.StatusCode.UNAVAILABLE: "The Understudy server does not answer. Start it with: understudy serve",
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "The Understudy server did not answer in time. See whether it runs with: understudy doctor"
    ),
    grpc.StatusCode.CANCELLED: "The Understudy server ended the call. Start it again with: understudy serve",
    grpc.StatusCode.UNAUTHENTICATED: (
        "The Understudy server does not know this client's token. Connect again to read the new one."
    ),
    grpc.StatusCode.UNIMPLEMENTED: "This server is too old for this client. Update Understudy.",
}


TOO_LARGE = (
    "The request is larger than the server takes. Send it in parts: changes to an analysis, for example, with fewer "
    "frames at a time."
)


def rpc_error(error: grpc.RpcError) -> errors.UnderstudyError:
    """The error of errors.py for a call that failed. Details that are missing or garbled are done without."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    status = _sent_status(error)
    if status is not None and status.code == code.value[0]:
        return status_error(status)
    said = (error.details() if isinstance(error, grpc.Call) else "") or str(error)
    kind = BY_CODE.get(code, errors.Internal)
    message = WITHOUT_DETAILS.get(code) or f"The Understudy server failed: {said}"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in said:
        kind, message = errors.InvalidRequest, TOO_LARGE
    return kind(
        message, reason=kind.default_reason, metadata={"grpc_code": code.name, "grpc_details": said[:500]}
    )


def status_error(status: types_pb2.Status) -> errors.UnderstudyError:
    """The error of errors.py that *status* describes: of a failed call, or Job.error."""
    info = _error_info(status)
    by_code = BY_CODE.get(_code(status.code), errors.Internal)
    kind = BY_REASON.get(info.reason, by_code)
    return kind(status.message or info.reason, reason=info.reason, metadata=dict(info.metadata))


def job_error(status: types_pb2.Status) -> errors.JobFailed:
    """The same for Job.error, always as a JobFailed: the call went well, the job did not."""
    error = status_error(status)
    if isinstance(error, errors.JobFailed):
        return error
    return errors.JobFailed(error.message, reason=error.reason, metadata=error.metadata)


def _sent_status(error: grpc.RpcError) -> types_pb2.Status | None:
    if not isinstance(error, grpc.Call):
        return None
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return types_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _error_info(status: types_pb2.Status) -> types_pb2.ErrorInfo:
    for detail in status.details:
        if detail.type_url.endswith(f"/{ERROR_INFO}"):
            try:
                return types_pb2.ErrorInfo.FromString(detail.value)
            except DecodeError:
                break
    return types_pb2.ErrorInfo()


def _code(number: int) -> grpc.StatusCode:
    return next((code for code in grpc.StatusCode if code.value[0] == number), grpc.StatusCode.UNKNOWN)
