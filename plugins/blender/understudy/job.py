# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: a thread hands it in or takes it up, follows it, writes its frames to disk and reports by messages.

Knows nothing of bpy. The thread shares nothing with the main thread but its queue and two switches.
"""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from ._api.errors import Busy, JobCancelled, NotFound, ServerAway, UnderstudyError
from .events import progress, stated, told
from .frames import frame_name, frames_in, take_over, write_whole
from .messages import (
    Accepted,
    Ended,
    LayerMade,
    Made,
    Message,
    Note,
    Outcome,
    Previewed,
    State,
    Stated,
)
from .ranges import spans
from .server import served_model

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.stream import Stream
    from ._api.v1 import job_pb2

Item = TypeVar("Item")
Say = Callable[[str], None]
Render = Callable[[Say, Callable[[], bool]], None]
"""Makes the clip itself; is told whether it is still wanted."""

UID_LABEL = "understudy_id"  # of the job, so that it is found again by its strip
PATIENCE_S = 10.0  # of streams, for a server that does not answer; then the artist is told
AWAY_PAUSE_S = 1.0  # between two looks for a server that is away
LAYERS = {"character": "LAYER_CHARACTER", "matte": "LAYER_MATTE", "pose": "LAYER_POSE"}
"""Of further roles their number stands behind the name: "character-1"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A job to be handed in, or taken up where it is known already."""

    uid: str
    folder: Path  # of its frames alone
    frames: int  # how many there will be
    title: str = ""
    job: str = ""  # "jobs/…" of one that the server has
    spec: Callable[[Client, Say], job_pb2.JobSpec] | None = None  # what to hand in; may take its time
    render: Render | None = None  # what has to be made before *spec* can be
    kept: Mapping[int, Path] = field(default_factory=dict)  # frames that are made already, elsewhere
    layers: tuple[str, ...] = ()  # to be fetched too, once the result is whole
    again: bool = False  # it failed or was cancelled, and is to go on


class SwapThread(threading.Thread):
    """Does *work* through the server that *connect* finds.

    A daemon, so that quitting Blender does not wait for it. The job itself goes on in the server. A server that goes
    away is waited for until it is back.
    """

    def __init__(self, work: Work, connect: Callable[[Say], Client]) -> None:
        super().__init__(name="understudy-job", daemon=True)
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self.work = work
        self._connect = connect
        self._client: Client | None = None
        self._job = work.job
        self._streams: list[Stream[Any]] = []
        self._cancelled = threading.Event()
        self._left = threading.Event()

    # ---- Switches: from the main thread, and all return at once ------------------------------------------

    def cancel(self) -> None:
        """Stops the job within a step. Finished frames stay."""
        self._cancelled.set()
        self._aside(lambda client, job: client.cancel(job))

    def pause(self) -> None:
        """Stops the job after its running step; it keeps its place."""
        self._aside(lambda client, job: client.pause(job))

    def resume(self) -> None:
        self._aside(lambda client, job: client.resume(job))

    def leave(self) -> None:
        """Stops listening; the job goes on in the server."""
        self._left.set()
        self._close_streams()

    def once_more(self) -> SwapThread:
        """A thread that goes on where this one ended."""
        return SwapThread(replace(self.work, job=self._job, again=True), self._connect)

    def _aside(self, ask: Callable[[Client, str], object]) -> None:
        def run() -> None:
            client, job = self._client, self._job
            if client and job:
                try:
                    ask(client, job)
                except UnderstudyError as error:
                    self._note(error.message)

        threading.Thread(target=run, name="understudy-ask", daemon=True).start()

    # ---- The thread --------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self.work.folder.mkdir(parents=True, exist_ok=True)  # refused before a job is made
            with self._connected() as client:
                self._client = client
                ended = self._swap(client)
        except JobCancelled as error:
            ended = Ended(Outcome.CANCELLED, "Cancelled" if error.metadata else error.message)
        except UnderstudyError as error:
            ended = Ended(Outcome.FAILED, error.message, error.reason)
        except OSError as error:
            ended = self._unwritten(error)
        except Exception as error:  # a thread that dies unheard would leave the job waiting forever
            ended = Ended(Outcome.FAILED, f"Understudy has a defect: {type(error).__name__}: {error}")
        self.messages.put(ended)

    def _unwritten(self, error: OSError) -> Ended:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            text = f"The disk of {self.work.folder.parent} is full. Free some space and press Retry"
            kept = ": the server keeps what is made." if self._job else "."
            return Ended(Outcome.FAILED, text + kept, "DISK_FULL_HERE")
        goes_on = " The job goes on in the server." if self._job else ""
        return Ended(Outcome.FAILED, f"The frames cannot be written: {str(error).rstrip('.')}.{goes_on}")

    def _connected(self) -> Client:
        """A client; waits for a server that is to have the job already."""
        while True:
            try:
                return self._connect(self._note)
            except ServerAway as away:
                if self.work.spec and not self._job:
                    raise
                self._wait_for_server(away)

    def _swap(self, client: Client) -> Ended:
        while True:
            try:
                if self._job or self._known(client):
                    self._take_up(client)
                else:
                    self._hand_in(client)
                return self._follow(client)
            except ServerAway as away:
                if isinstance(away, Busy) or (self.work.spec and not self._job):
                    raise
                self._wait_for_server(away)

    def _known(self, client: Client) -> bool:
        """Whether the server has this job, though we do not know its name: Blender ended while it was handed in."""
        if self.work.again or not self.work.spec:
            self._job = next((job.name for job in client.jobs(labels={UID_LABEL: self.work.uid})), "")
        return bool(self._job)

    def _hand_in(self, client: Client) -> None:
        work = self.work
        if work.spec is None:
            raise NotFound("The server knows no job of this strip. Delete the strip and run it again.")
        if work.render:
            work.render(self._note, lambda: not (self._left.is_set() or self._cancelled.is_set()))
            self._check_wanted()
        self._note("reading the clip")
        spec = work.spec(client, self._note)
        self._check_wanted()
        self._job = client.create_job(spec, work.title, labels={UID_LABEL: work.uid}).name
        self.messages.put(Accepted(self._job, served_model(client).notice))
        if self._cancelled.is_set():  # while it was created
            client.cancel(self._job)

    def _take_up(self, client: Client) -> None:
        from ._api.v1 import job_pb2

        state = client.job(self._job).state
        if self.work.again and state in (job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED):
            self.work = replace(self.work, again=False)
            client.retry(self._job)
        self.messages.put(Accepted(self._job, served_model(client).notice))

    def _follow(self, client: Client) -> Ended:
        watch = threading.Thread(target=self._watch, args=(client,), name="understudy-watch", daemon=True)
        watch.start()
        try:
            self._fetch(client)
            self._check_left()
            return self._ended(client)
        finally:
            self._close_streams()
            watch.join()  # so that nothing follows the end
            self._streams.clear()
            self._forget_previews()

    def _fetch(self, client: Client) -> None:
        """Writes frames as they are made, until the job has ended."""
        self._take_over_kept()
        there = frames_in(self.work.folder)
        for start, end in spans(there):
            self.messages.put(Made(start, end))
        missing = [index for index in range(self.work.frames) if index not in there]
        if not missing:
            return
        asked = (missing[0], missing[-1] + 1)
        try:
            for frame in self._opened(client.frames(self._job, range=asked, follow=True)):
                if frame.index not in there:
                    write_whole(self.work.folder / frame_name(frame.index), frame.data)
                    self.messages.put(Made(frame.index, frame.index + 1))
        except ServerAway:
            raise
        except UnderstudyError:
            if not self._job_has_ended(client):
                raise

    def _take_over_kept(self) -> None:
        for index, path in self.work.kept.items():
            if path.is_file():
                take_over(path, self.work.folder / frame_name(index))

    def _job_has_ended(self, client: Client) -> bool:
        from ._api.following import ENDED

        return client.job(self._job).state in ENDED

    def _ended(self, client: Client) -> Ended:
        client.wait(self._job)  # raises what the job failed with
        landed, wanted = len(frames_in(self.work.folder)), self.work.frames
        if landed != wanted:
            return Ended(Outcome.FAILED, f"The server sent {landed} of {wanted} frames. Run it again.")
        for layer in self.work.layers:
            self._fetch_layer(client, layer)
        return Ended(Outcome.FINISHED, f"{landed} frames")

    def _fetch_layer(self, client: Client, layer: str) -> None:
        from ._api.v1 import result_pb2

        self._note(f"fetching the {layer}")
        folder = self.work.folder / layer
        folder.mkdir(exist_ok=True)
        try:
            name, _, role = layer.partition("-")
            wanted = result_pb2.Layer.Value(LAYERS[name])
            frames = client.frames(self._job, layer=wanted, role=int(role or 0), follow=False)
            for frame in self._opened(frames):
                write_whole(folder / frame_name(frame.index), frame.data)
        except ServerAway:
            raise
        except UnderstudyError as error:  # the result is there; what is missing beside it does not undo it
            self._note(error.message)
            return
        self.messages.put(LayerMade(layer, len(frames_in(folder))))

    # ---- What is told meanwhile --------------------------------------------------------------------------

    def _watch(self, client: Client) -> None:
        try:
            job = client.job(self._job)
            for message in (stated(job.state), progress(job.progress)):
                if message:
                    self.messages.put(message)
            watched = client.watch(self._job, after_sequence=job.last_sequence, previews=True)
            for number, event in enumerate(self._opened(watched)):
                if event.HasField("preview"):
                    self._preview(number, event.preview.jpeg)
                elif message := told(event):
                    self.messages.put(message)
        except UnderstudyError:
            return  # the frames' own stream says how it ends

    def _preview(self, number: int, jpeg: bytes) -> None:
        with contextlib.suppress(OSError):  # a preview is not worth a job
            path = self.work.folder / f"preview_{number:06d}.jpg"
            write_whole(path, jpeg)
            self._forget_previews(but=path)
            self.messages.put(Previewed(path))

    def _forget_previews(self, but: Path | None = None) -> None:
        for path in self.work.folder.glob("preview_*.jpg"):
            if path != but:
                path.unlink(missing_ok=True)

    def _note(self, text: str) -> None:
        self.messages.put(Note(text))

    # ---- Ends --------------------------------------------------------------------------------------------

    def _wait_for_server(self, away: ServerAway) -> None:
        self.messages.put(Stated(State.AWAY, f"{away.message.rstrip('.')}. The job goes on when it is back."))
        self._left.wait(AWAY_PAUSE_S)
        self._check_left()
        if self._cancelled.is_set():
            raise JobCancelled("Cancelled here. The server is away, and may go on with it when it is back.")

    def _opened(self, stream: Stream[Item]) -> Stream[Item]:
        """*stream*, which ``leave`` closes from now on."""
        self._streams.append(stream)
        if self._left.is_set():
            stream.close()
        return stream

    def _close_streams(self) -> None:
        for stream in list(self._streams):
            stream.close()

    def _check_wanted(self) -> None:
        self._check_left()
        if self._cancelled.is_set():
            raise JobCancelled("Cancelled before it began.")

    def _check_left(self) -> None:
        if self._left.is_set():
            raise JobCancelled("Nobody listens any more.")
