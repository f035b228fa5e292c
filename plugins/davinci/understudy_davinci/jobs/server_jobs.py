# SPDX-License-Identifier: Apache-2.0
"""Jobs on the Understudy server, for the chain: handed in, found again, followed, delivered as files.

A job outlives us. One that is handed in twice under the same uid is one job, so whoever was killed runs again and
goes on where they were.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from understudy_api.client import Client, succeeded
from understudy_api.errors import AlreadyExists, Busy, PathRefused, ServerAway, UnderstudyError
from understudy_api.following import ENDED
from understudy_api.spoken import stage_text
from understudy_api.v1 import job_pb2, result_pb2

from ..shot import Footage, Made, Note, Order, Probe, Progress, Tell, Wanted
from .estimate import Estimate, read
from .people import Person, find_people
from .server import Served, served
from .specs import build_spec, movie_kind

UID_LABEL = "understudy_id"
AWAY_PAUSE_S = 1.0  # between two looks for a server that is away
WANTED_S = 0.2  # between two questions whether a job is still wanted
AGAIN = (job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)
LAYERS = {
    "result": (result_pb2.LAYER_RESULT, job_pb2.DELIVERY_CODEC_PRORES_422_HQ),
    "character": (result_pb2.LAYER_CHARACTER, job_pb2.DELIVERY_CODEC_PRORES_4444),  # with alpha
    "matte": (result_pb2.LAYER_MATTE, job_pb2.DELIVERY_CODEC_PRORES_422_HQ),
}

Connect = Callable[[Callable[[str], None]], Client]


class ServerJobs:
    """Connects when it is first asked something. One thread at a time, but for `estimate`, which any may call."""

    def __init__(self, connect: Connect, tell: Tell) -> None:
        self._connect = connect
        self._tell = tell
        self._lock = threading.Lock()
        self._open: Client | None = None

    def close(self) -> None:
        """Ends all calls and streams. Jobs go on."""
        with self._lock:
            if self._open:
                self._open.close()
            self._open = None

    @property
    def _client(self) -> Client:
        with self._lock:
            if self._open is None:
                self._open = self._connect(self._say)
            return self._open

    def _say(self, text: str) -> None:
        self._tell(Note(text))

    # ---- Asking ------------------------------------------------------------------------------------------

    def served(self) -> Served:
        return served(self._client)

    def probe(self, path: Path) -> Probe:
        found = self._client.hand_over(path, movie_kind(path)).probe
        return Probe(
            frames=found.frame_count,
            rate=Fraction(found.rate.num, max(found.rate.den, 1)),
            width=found.size.width,
            height=found.size.height,
            colour_transfer=found.colour_transfer,
        )

    def estimate(self, order: Order) -> Estimate:
        """What *order* would cost. No file is sent for it; a refusal is told as the estimate's trouble."""
        try:
            client = self._client
            return read(client.estimate(build_spec(client, order, None)))
        except UnderstudyError as error:
            return Estimate(trouble=error.message)

    def people(self, footage: Footage, tell: Tell, wanted: Wanted) -> tuple[Person, ...]:
        return find_people(self._client, footage, tell, wanted)

    # ---- Handing in --------------------------------------------------------------------------------------

    def submit(self, order: Order) -> str:
        """The name of the order's job. One that failed or was cancelled goes on where it was.

        Raises:
            UnderstudyError: the server refuses it; the message says why.
        """
        client = self._client
        if known := self._known(order.uid):
            if known.state in AGAIN:
                client.retry(known.name)
            return known.name
        spec = build_spec(client, order, self._say)
        labels = {UID_LABEL: order.uid}
        return client.create_job(spec, order.title[:200], request_id=order.uid, labels=labels).name

    def find(self, uid: str) -> str | None:
        known = self._known(uid)
        return known.name if known else None

    def _known(self, uid: str) -> job_pb2.Job | None:
        return next(iter(self._client.jobs(labels={UID_LABEL: uid})), None)

    def cancel(self, job: str) -> None:
        self._client.cancel(job)

    # ---- Following ---------------------------------------------------------------------------------------

    def follow(self, job: str, tell: Tell, wanted: Wanted) -> None:
        """Returns when *job* has succeeded. A server that goes away is waited for, or started again.

        Raises:
            JobCancelled: it was, here or elsewhere. JobFailed: the reason says why.
        """
        while True:
            try:
                client = self._client
                with self._cancels(client, job, wanted):
                    self._watch(client, job, tell)
                succeeded(client.job(job))
                return
            except Busy:
                raise
            except ServerAway as away:
                tell(Note(f"{away.message.rstrip('.')}. The job goes on when the server is back."))
                if not wanted():
                    raise
                self.close()
                time.sleep(AWAY_PAUSE_S)

    def _watch(self, client: Client, job: str, tell: Tell) -> None:
        now = client.job(job)
        tell(_progress(now.progress, _waiting(now.state)))
        with client.watch(job, after_sequence=now.last_sequence) as events:
            for event in events:
                match event.WhichOneof("kind"):
                    case "progress":
                        tell(_progress(event.progress))
                    case "warning":
                        tell(Note(event.warning.message))
                    case "state_changed" if waiting := _waiting(event.state_changed.state):
                        tell(Note(waiting))

    @contextmanager
    def _cancels(self, client: Client, job: str, wanted: Wanted) -> Iterator[None]:
        """Meanwhile, cancels *job* as soon as it is not wanted; the stream then tells its end."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(WANTED_S):
                if not wanted():
                    with _tolerant():
                        client.cancel(job)
                    return

        looker = threading.Thread(target=look, name="understudy-wanted", daemon=True)
        looker.start()
        try:
            yield
        finally:
            over.set()
            looker.join()

    # ---- Delivering --------------------------------------------------------------------------------------

    def deliver(self, job: str, layers: tuple[str, ...], folder: Path, stem: str) -> Made:
        """Files of the result and *layers*. Each is written whole or not at all, so one that is there is kept."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for name in ("result", *layers):
            suffix = "" if name == "result" else f"_{name}"
            files[name] = folder / f"{stem}{suffix}.mov"
            if not files[name].exists():
                self._say(f"writing the {name}")
                self._export(job, name, files[name])
        return Made(result=files.pop("result"), layers=files)

    def _export(self, job: str, name: str, path: Path) -> None:
        try:
            self._exported(job, name, path)
        except PathRefused:  # outside the shared folders, to which the temporary one belongs
            with tempfile.TemporaryDirectory(prefix="understudy_") as temporary:
                there = Path(temporary, path.name)
                self._exported(job, name, there)
                beside = path.with_name(f".{path.name}.part")
                shutil.copyfile(there, beside)
                beside.replace(path)

    def _exported(self, job: str, name: str, path: Path) -> None:
        client = self._client
        layer, codec = LAYERS[name]
        share = _share(self._tell, f"writing the {name}")
        try:
            client.export(job, client.rooted(path, writable=True), codec, layer=layer, progress=share)
        except AlreadyExists:
            return


def _share(tell: Tell, stage: str) -> Callable[[float], None]:
    return lambda fraction: tell(Progress(fraction, stage))


def _progress(done: job_pb2.JobProgress, stage: str = "") -> Progress:
    remaining_s = done.remaining_seconds if done.HasField("remaining_seconds") else None
    return Progress(done.fraction, stage_text(done) or stage, remaining_s)


def _waiting(state: job_pb2.JobState.ValueType) -> str:
    """What a job stands still for; "" while it does not."""
    if state in ENDED:
        return ""
    return {
        job_pb2.JOB_STATE_QUEUED: "waiting in the server's queue",
        job_pb2.JOB_STATE_PREPARING: "preparing",
        job_pb2.JOB_STATE_PAUSED: "paused in the server",
        job_pb2.JOB_STATE_CANCELLING: "cancelling",
    }.get(state, "")


@contextmanager
def _tolerant() -> Iterator[None]:
    try:
        yield
    except UnderstudyError:
        return
