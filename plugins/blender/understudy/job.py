# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: a thread hands it in, follows it, writes its frames to disk and reports by messages.

Knows nothing of bpy. The thread shares nothing with the main thread but its queue and two switches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from ._api.errors import JobCancelled, UnderstudyError
from .request import SwapRequest, build_spec
from .server import served_model

if TYPE_CHECKING:
    from ._api.client import Client, Frame
    from ._api.stream import Stream
    from ._api.v1 import job_pb2

Item = TypeVar("Item")


# ---- Messages --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note:
    """What is being done, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has taken the job; its frames will lie in *folder*."""

    job: str
    folder: Path
    notice: str  # the honest line about its model, or nothing


@dataclass(frozen=True, slots=True)
class Progress:
    fraction: float  # 0.0-1.0 of the whole job
    text: str


@dataclass(frozen=True, slots=True)
class Landed:
    """Frame *index*, counted from the job's first, is whole on disk; so are all before it."""

    index: int


class Outcome(StrEnum):
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing follows this message."""

    outcome: Outcome
    text: str = ""
    reason: str = ""  # an error's, for the panel to offer help by


Message = Note | Accepted | Progress | Landed | Ended


def frame_name(index: int) -> str:
    """The file name of frame *index*, counted from the job's first."""
    return f"{index:06d}.png"


# ---- The thread ------------------------------------------------------------------------------------------


class SwapThread(threading.Thread):
    """Runs *request* through the server that *connect* finds.

    A daemon, so that quitting Blender does not wait for it. The job itself goes on in the server.
    """

    def __init__(self, request: SwapRequest, connect: Callable[[Callable[[str], None]], Client]) -> None:
        super().__init__(name=f"understudy-{request.mode}", daemon=True)
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self._request = request
        self._connect = connect
        self._client: Client | None = None
        self._job = ""
        self._streams: list[Stream[Any]] = []
        self._cancelled = threading.Event()
        self._left = threading.Event()

    def cancel(self) -> None:
        """Stops the job within a step. Finished frames stay. Returns at once."""
        self._cancelled.set()
        threading.Thread(target=self._cancel_job, name="understudy-cancel", daemon=True).start()

    def leave(self) -> None:
        """Stops listening; the job goes on in the server."""
        self._left.set()
        self._close_streams()

    def run(self) -> None:
        try:
            with self._connect(self._note) as client:
                self._client = client
                ended = self._swap(client)
        except JobCancelled:
            ended = Ended(Outcome.CANCELLED, "Cancelled")
        except UnderstudyError as error:
            ended = Ended(Outcome.FAILED, error.message, error.reason)
        except OSError as error:
            goes_on = " The job goes on in the server." if self._job else ""
            ended = Ended(Outcome.FAILED, f"The frames cannot be written: {error}.{goes_on}")
        except Exception as error:  # a thread that dies unheard would leave the job waiting forever
            ended = Ended(Outcome.FAILED, f"Understudy has a defect: {type(error).__name__}: {error}")
        self.messages.put(ended)

    def _swap(self, client: Client) -> Ended:
        self._request.folder.mkdir(parents=True, exist_ok=True)  # refused before a job is made
        self._note("reading the clip")
        spec = build_spec(client, self._request, self._note)
        self._check_wanted()
        job = client.create_job(spec, self._request.title)
        self._job = job.name
        if self._cancelled.is_set():  # while it was created
            self._cancel_job()
        folder = self._request.folder / job.name.rpartition("/")[2]
        folder.mkdir(exist_ok=True)
        self.messages.put(Accepted(job.name, folder, served_model(client).notice))
        watch = threading.Thread(target=self._watch, args=(client,), name="understudy-watch", daemon=True)
        watch.start()
        try:
            landed = self._fetch(client, folder)
            self._check_left()
            return self._ended(client, landed)
        finally:
            self._close_streams()
            watch.join()  # so that nothing follows the end

    def _fetch(self, client: Client, folder: Path) -> int:
        """Writes frames as they are made; returns how many there are when the job has ended."""
        landed = 0
        try:
            for frame in self._opened(client.frames(self._job, follow=True)):
                write_whole(folder / frame_name(frame.index), frame)
                self.messages.put(Landed(frame.index))
                landed += 1
        except UnderstudyError:
            if not self._job_has_ended(client):
                raise
        return landed

    def _job_has_ended(self, client: Client) -> bool:
        from ._api.following import ENDED

        return client.job(self._job).state in ENDED

    def _ended(self, client: Client, landed: int) -> Ended:
        client.wait(self._job)  # raises what the job failed with
        wanted = self._request.frames.end - self._request.frames.start
        if landed != wanted:
            return Ended(Outcome.FAILED, f"The server sent {landed} of {wanted} frames. Run it again.")
        return Ended(Outcome.FINISHED, f"{landed} frames")

    def _watch(self, client: Client) -> None:
        try:
            for event in self._opened(client.watch(self._job)):
                if message := progress_of(event):
                    self.messages.put(message)
        except UnderstudyError as error:
            self._note(error.message)  # the frames' own stream decides how it ends

    def _cancel_job(self) -> None:
        client, job = self._client, self._job
        if not (client and job):
            return
        try:
            client.cancel(job)
        except UnderstudyError as error:
            self._note(error.message)

    def _opened(self, stream: Stream[Item]) -> Stream[Item]:
        """*stream*, which ``leave`` closes from now on."""
        self._streams.append(stream)
        if self._left.is_set():
            stream.close()
        return stream

    def _close_streams(self) -> None:
        for stream in self._streams:
            stream.close()

    def _check_wanted(self) -> None:
        self._check_left()
        if self._cancelled.is_set():
            raise JobCancelled("Cancelled before it began.")

    def _check_left(self) -> None:
        if self._left.is_set():
            raise JobCancelled("Nobody listens any more.")

    def _note(self, text: str) -> None:
        self.messages.put(Note(text))


def progress_of(event: job_pb2.JobEvent) -> Progress | Note | None:
    """What *event* tells the artist; None for what other messages say better."""
    match event.WhichOneof("kind"):
        case "progress":
            done = event.progress
            if done.steps:
                text = f"part {done.segments_done + 1} of {done.segments_total}, step {done.step} of {done.steps}"
            else:
                text = done.stage
            if done.HasField("remaining_seconds"):
                text += f", {done.remaining_seconds:.0f} s left"
            return Progress(done.fraction, text)
        case "warning":
            return Note(event.warning.message)
        case _:
            return None


def write_whole(path: Path, frame: Frame) -> None:
    """Writes the file under another name and renames it: Blender never sees half a picture."""
    part = path.with_suffix(".part")
    part.write_bytes(frame.data)
    part.replace(path)
