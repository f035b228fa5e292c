"""What can go wrong in the server, and how every error, the engine's too, looks on the wire.

    ServerError
    ├── InvalidField            a request's field is out of its range
    ├── MediaChanged            the file is not the one that was linked
    ├── MediaInUse              a job that has not ended needs the asset
    ├── UploadUnderWay          the same content is being uploaded already
    ├── UploadIncomplete        an upload broke off; what arrived is kept
    ├── HashMismatch            bytes that arrived are not those that were announced
    ├── PathOutsideRoot         a path leads out of the shared roots, or the root is not writable
    ├── OutputExists            there is a file already, and overwriting was not allowed
    ├── JobNotFound
    ├── JobNotTerminal          what was wished needs a job that has ended
    ├── JobEnded                what was wished needs a job that has not
    ├── ShotNotFound
    ├── AnalysisNotFound
    ├── AnalysisUnfinished      what was wished needs what an analysis has not found yet
    ├── TakeUnfinished          only a take that has succeeded can be retaken, promoted or compared
    ├── FramesGone              the frames of an earlier take are no longer kept
    ├── TakesUnlike             two takes that cannot be compared
    ├── LayerNotMade            a layer that this job does not make
    ├── NotExportable           only a job that has succeeded has a result to export, and a manifest
    ├── FrameNotMade            a frame that is still to be made
    ├── FrameTooLarge           one frame does not fit one answer
    ├── ModelNotInstalled
    ├── RequestIdReused         the same request_id with another body
    ├── QueueFull
    ├── Draining                the server is about to end
    ├── JobCancelled            a stream of frames ends because its job was cancelled
    ├── WorkerCrashed           the engine process died under a job, again
    ├── WorkerHung              the engine process stood still under a job, again
    ├── StatusError             an error that another process has put into words already
    ├── TokenMissing, TokenBad, BrowserRefused
    └── AlreadyRunning          another server has the data folder

TABLE is the one place where an error becomes a gRPC code and a reason.
"""

from __future__ import annotations

import re

import grpc

from understudy_api.v1 import types_pb2
from understudy_engine import errors as engine

DOMAIN = "understudy_api.v1"
DETAILS_LIMIT_BYTES = 4096  # gRPC loses trailers above 8 KiB at random; half of that is safe


class ServerError(Exception):
    """Base of all errors the server raises on purpose. ``facts`` holds the message's values by name."""

    def __init__(self, message: str, **facts: str | float) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class InvalidField(ServerError): ...


class MediaChanged(ServerError): ...


class MediaInUse(ServerError): ...


class UploadUnderWay(ServerError): ...


class UploadIncomplete(ServerError): ...


class HashMismatch(ServerError): ...


class PathOutsideRoot(ServerError): ...


class OutputExists(ServerError): ...


class JobNotFound(ServerError): ...


class JobNotTerminal(ServerError): ...


class JobEnded(ServerError): ...


class ShotNotFound(ServerError): ...


class AnalysisNotFound(ServerError): ...


class AnalysisUnfinished(ServerError): ...


class TakeUnfinished(ServerError): ...


class FramesGone(ServerError): ...


class TakesUnlike(ServerError): ...


class LayerNotMade(ServerError): ...


class NotExportable(ServerError): ...


class FrameNotMade(ServerError): ...


class FrameTooLarge(ServerError): ...


class ModelNotInstalled(ServerError): ...


class RequestIdReused(ServerError): ...


class QueueFull(ServerError): ...


class Draining(ServerError): ...


class JobCancelled(ServerError): ...


class WorkerCrashed(ServerError): ...


class WorkerHung(ServerError): ...


class TokenMissing(ServerError): ...


class TokenBad(ServerError): ...


class BrowserRefused(ServerError): ...


class AlreadyRunning(ServerError): ...


class StatusError(ServerError):
    def __init__(self, status: types_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


Code = grpc.StatusCode

TABLE: dict[type[Exception], tuple[grpc.StatusCode, str]] = {
    # An error is looked up by its class, then by its base classes.
    engine.MediaNotFound: (Code.NOT_FOUND, "MEDIA_NOT_FOUND"),
    engine.UnsupportedMedia: (Code.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA"),
    engine.CorruptMedia: (Code.INVALID_ARGUMENT, "CORRUPT_MEDIA"),
    engine.MediaTooLarge: (Code.INVALID_ARGUMENT, "MEDIA_TOO_LARGE"),
    engine.FrameRangeOutside: (Code.INVALID_ARGUMENT, "FRAME_RANGE_OUTSIDE"),
    engine.PassMismatch: (Code.INVALID_ARGUMENT, "PASS_MISMATCH"),
    engine.PassMissing: (Code.INVALID_ARGUMENT, "PASS_MISSING"),
    engine.MatteEmpty: (Code.FAILED_PRECONDITION, "MATTE_EMPTY"),
    engine.RequestError: (Code.INVALID_ARGUMENT, "INVALID_FIELD"),
    engine.WeightsMissing: (Code.NOT_FOUND, "MODEL_NOT_INSTALLED"),
    engine.WeightsMismatch: (Code.FAILED_PRECONDITION, "MODEL_HASH_MISMATCH"),
    engine.ModelUnknown: (Code.NOT_FOUND, "MODEL_NOT_INSTALLED"),
    engine.OutOfMemory: (Code.RESOURCE_EXHAUSTED, "GPU_OUT_OF_MEMORY"),
    engine.DiskFull: (Code.RESOURCE_EXHAUSTED, "DISK_FULL"),
    engine.EngineNaN: (Code.INTERNAL, "ENGINE_NAN"),
    engine.EngineError: (Code.INTERNAL, "ENGINE_FAILED"),
    InvalidField: (Code.INVALID_ARGUMENT, "INVALID_FIELD"),
    MediaChanged: (Code.FAILED_PRECONDITION, "MEDIA_CHANGED"),
    MediaInUse: (Code.FAILED_PRECONDITION, "MEDIA_IN_USE"),
    UploadUnderWay: (Code.ABORTED, "UPLOAD_UNDER_WAY"),
    UploadIncomplete: (Code.ABORTED, "UPLOAD_INCOMPLETE"),
    HashMismatch: (Code.DATA_LOSS, "HASH_MISMATCH"),
    PathOutsideRoot: (Code.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT"),
    OutputExists: (Code.ALREADY_EXISTS, "OUTPUT_EXISTS"),
    JobNotFound: (Code.NOT_FOUND, "JOB_NOT_FOUND"),
    JobNotTerminal: (Code.FAILED_PRECONDITION, "JOB_NOT_TERMINAL"),
    JobEnded: (Code.FAILED_PRECONDITION, "JOB_ENDED"),
    ShotNotFound: (Code.NOT_FOUND, "SHOT_NOT_FOUND"),
    AnalysisNotFound: (Code.NOT_FOUND, "ANALYSIS_NOT_FOUND"),
    AnalysisUnfinished: (Code.FAILED_PRECONDITION, "ANALYSIS_UNFINISHED"),
    TakeUnfinished: (Code.FAILED_PRECONDITION, "TAKE_UNFINISHED"),
    FramesGone: (Code.FAILED_PRECONDITION, "FRAMES_GONE"),
    TakesUnlike: (Code.FAILED_PRECONDITION, "TAKES_UNLIKE"),
    LayerNotMade: (Code.FAILED_PRECONDITION, "LAYER_NOT_MADE"),
    NotExportable: (Code.FAILED_PRECONDITION, "JOB_NOT_SUCCEEDED"),
    FrameNotMade: (Code.FAILED_PRECONDITION, "FRAME_NOT_MADE"),
    FrameTooLarge: (Code.OUT_OF_RANGE, "FRAME_TOO_LARGE"),
    ModelNotInstalled: (Code.NOT_FOUND, "MODEL_NOT_INSTALLED"),
    RequestIdReused: (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"),
    QueueFull: (Code.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
    Draining: (Code.UNAVAILABLE, "SERVER_DRAINING"),
    JobCancelled: (Code.CANCELLED, "JOB_CANCELLED"),
    WorkerCrashed: (Code.INTERNAL, "WORKER_CRASHED"),
    WorkerHung: (Code.INTERNAL, "WORKER_HUNG"),
    TokenMissing: (Code.UNAUTHENTICATED, "TOKEN_MISSING"),
    TokenBad: (Code.UNAUTHENTICATED, "TOKEN_BAD"),
    BrowserRefused: (Code.PERMISSION_DENIED, "BROWSER_REFUSED"),
}


def to_status(error: Exception) -> types_pb2.Status:
    """*error* as google.rpc.Status with exactly one ErrorInfo, at most 4 KiB.

    An error that is in no row of TABLE is ours to explain in the log, not the client's to read: it becomes a
    plain INTERNAL.
    """
    if isinstance(error, StatusError):
        return error.status
    for kind in type(error).__mro__:
        if kind in TABLE:
            code, reason = TABLE[kind]
            return _status(code, reason, without_paths(str(error)), getattr(error, "facts", {}))
    return _status(Code.INTERNAL, "INTERNAL", _UNEXPECTED, {"error": type(error).__name__})


_UNEXPECTED = "The server met an error it did not expect. Its log has the details; please report them."


def _status(
    code: grpc.StatusCode, reason: str, message: str, facts: dict[str, str | int | float]
) -> types_pb2.Status:
    info = types_pb2.ErrorInfo(reason=reason, domain=DOMAIN)
    for name, value in list(facts.items())[:8]:
        info.metadata[name] = without_paths(str(value))[:200]
    detail = types_pb2.StatusDetail(
        type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString()
    )
    return types_pb2.Status(code=code.value[0], message=message[:1000], details=[detail])


def reason_of(status: types_pb2.Status) -> str:
    """The reason of *status*'s ErrorInfo, or ""."""
    for detail in status.details:
        return types_pb2.ErrorInfo.FromString(detail.value).reason
    return ""


_ABSOLUTE_PATH = re.compile(
    r"""(?<![\w.:/\\])            # not in the middle of a word, of "://" or of a relative path
    (?:[A-Za-z]:[\\/]|\\\\|/)     # a drive, a share, or the root
    (?:[^\s'"/\\:;,|<>]+[\\/])+   # folders
    """,
    re.VERBOSE,
)


def without_paths(text: str) -> str:
    """*text* with every absolute path reduced to its file name: where files lie is not the client's business."""
    return _ABSOLUTE_PATH.sub("", text)


def code_of(status: types_pb2.Status) -> grpc.StatusCode:
    return _CODES.get(status.code, grpc.StatusCode.UNKNOWN)


_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
