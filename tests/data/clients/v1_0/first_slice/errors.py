"""What can go wrong between a client and the server, as one tree. Standard library only.

    UnderstudyError
    ├── ServerAway          no server runs, or it does not answer
    │   └── Busy            it runs, but takes no more work now
    ├── TokenRefused        the server does not know this client
    ├── InvalidRequest      a field is missing, contradicts another or is out of range
    │   └── PathRefused     a file that lies in no shared folder
    ├── MediaRefused        a file that cannot be used: broken, mistyped, too large, of the wrong length
    ├── NotFound            no such job, media, model or file
    ├── AlreadyExists       a file that would be replaced, or a request_id used for something else
    ├── Conflict            not in this state: the job has ended, the media have changed
    ├── JobFailed           the job itself failed; the reason says why
    │   ├── JobCancelled    somebody cancelled it
    │   └── OutOfMemory     the device is too small for it
    ├── DiskFull            the result cannot be stored
    ├── Unsupported         this server cannot do it: an older version, or a feature that is off
    └── Internal            a defect of ours

Every error carries ``reason``, a stable word a program may branch on, ``metadata``, the message's values by
name, and ``message``, one sentence for the artist. docs/protocol.md lists all reasons.
"""

from __future__ import annotations

from collections.abc import Mapping


class UnderstudyError(Exception):
    """Base of all errors that this package raises on purpose."""

    default_reason = "UNKNOWN"

    def __init__(self, message: str, *, reason: str = "", metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})


class ServerAway(UnderstudyError):
    default_reason = "SERVER_AWAY"


class Busy(ServerAway):
    default_reason = "QUEUE_FULL"


class TokenRefused(UnderstudyError):
    default_reason = "TOKEN_BAD"


class InvalidRequest(UnderstudyError):
    default_reason = "INVALID_FIELD"


class PathRefused(InvalidRequest):
    default_reason = "PATH_OUTSIDE_ROOT"


class MediaRefused(UnderstudyError):
    default_reason = "UNSUPPORTED_MEDIA"


class NotFound(UnderstudyError):
    default_reason = "NOT_FOUND"


class AlreadyExists(UnderstudyError):
    default_reason = "ALREADY_EXISTS"


class Conflict(UnderstudyError):
    default_reason = "CONFLICT"


class JobFailed(UnderstudyError):
    default_reason = "JOB_FAILED"


class JobCancelled(JobFailed):
    default_reason = "JOB_CANCELLED"


class OutOfMemory(JobFailed):
    default_reason = "GPU_OUT_OF_MEMORY"


class DiskFull(UnderstudyError):
    default_reason = "DISK_FULL"


class Unsupported(UnderstudyError):
    default_reason = "API_FEATURE_OFF"


class Internal(UnderstudyError):
    default_reason = "INTERNAL"
