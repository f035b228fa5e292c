# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the panel shows of the server up to date: a thread listens to it. Knows nothing of bpy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from . import server
from ._api.errors import ServerAway, UnderstudyError
from .handshake import check
from .server import ServerChoice

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.stream import Stream
    from ._api.v1 import server_pb2

AGAIN_S = 2.0  # between two looks for a server that is away
PAUSE_S = 0.3  # before the first look, which imports grpc and slows down the drawing that began it
LOOK_AGAIN_S = 8.0  # at what changes without the server telling: LoRAs that were dropped into its folder
PATIENCE_S = 1.0  # a server that stopped is told of at once


class State(Enum):
    UNKNOWN = auto()  # nobody has asked yet
    ASKING = auto()
    STARTING = auto()
    READY = auto()
    STOPPING = auto()
    AWAY = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the panel shows of the server."""

    state: State = State.UNKNOWN
    text: str = ""  # what is the matter, or what the artist should know
    reason: str = ""  # of an error, as a word for programs
    version: str = ""
    device: str = ""  # what computes, as its maker names it
    queued: int = 0  # jobs that wait
    busy: bool = False  # a job runs
    model: str = ""  # its title
    notice: str = ""  # the honest line about it, if there is one
    steps: int = 0  # of each part, by default; 0: not known
    work_area_px: int = 0
    four_step: bool = False  # it makes a part in four steps
    takes_prompt: bool = False
    loras: tuple[str, ...] = ()  # of the artist's own, that fit the model
    features: frozenset[str] = frozenset()
    local: bool = True  # it sees this machine's files and can be stopped from here

    @property
    def refuses_prompt(self) -> bool:
        """Whether it is known that the model reads no words."""
        return self.state is State.READY and not self.takes_prompt


class Listener:
    """A thread that tells *tell* how the server is, whenever that changes, until it is closed.

    It never starts a server, and goes on looking while there is none.
    """

    def __init__(self, choice: ServerChoice, tell: Callable[[About], None]) -> None:
        self._choice = replace(choice, may_start=False)
        self._tell = tell
        self._closed = threading.Event()
        self._stream: Stream[server_pb2.WatchServerResponse] | None = None
        self._last: About | None = None
        threading.Thread(target=self._run, name="understudy-listen", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        if self._stream is not None:
            self._stream.close()

    def _run(self) -> None:
        self._closed.wait(PAUSE_S)
        while not self._closed.is_set():
            try:
                with server.connect(self._choice, patience_s=PATIENCE_S) as client:
                    self._listen(client)
            except UnderstudyError as error:
                self._say(of_error(error))
            except Exception as error:  # a thread that dies unheard would show an old state forever
                self._say(About(state=State.AWAY, text=f"Understudy has a defect: {error}"))
            self._closed.wait(AGAIN_S)

    def _listen(self, client: Client) -> None:
        about = describe(client, self._choice)
        self._say(about)
        with client.watch_server() as changes:
            self._stream = changes
            if self._closed.is_set():
                return
            looked = time.monotonic()
            for change in changes:
                if time.monotonic() - looked > LOOK_AGAIN_S:
                    about, looked = describe(client, self._choice), time.monotonic()
                self._say(with_change(about, change))

    def _say(self, about: About) -> None:
        if about != self._last and not self._closed.is_set():
            self._last = about
            self._tell(about)


def describe(client: Client, choice: ServerChoice) -> About:
    """The server that *client* reached."""
    info = client.info()
    model = server.served_model(client)
    return About(
        state=State.READY,
        text=check(info.version),
        version=info.version,
        device=_device(info.devices),
        queued=info.queued_jobs,
        model=model.title or model.name,
        notice=model.notice,
        steps=model.steps,
        work_area_px=model.work_area_px,
        four_step=model.four_step,
        takes_prompt=model.takes_prompt,
        loras=tuple(lora.name for lora in model.loras),
        features=frozenset(info.features),
        local=not choice.address,
    )


def with_change(about: About, change: server_pb2.WatchServerResponse) -> About:
    state = State.STOPPING if change.draining else State.READY
    text = f"The queue stands still: {change.held_reason}." if change.held_reason else about.text
    return replace(
        about,
        state=state,
        text=text,
        device=_device(change.devices) or about.device,  # a server knows it once its engine has started
        queued=change.queued_jobs,
        busy=bool(change.running_job),
    )


def _device(devices: Sequence[server_pb2.Device]) -> str:
    return devices[0].name if devices else ""


def of_error(error: UnderstudyError) -> About:
    state = State.AWAY if isinstance(error, ServerAway) else State.REFUSED
    return About(state=state, text=error.message, reason=error.reason)


# ---- Start and stop --------------------------------------------------------------------------------------


def start(choice: ServerChoice) -> About:
    """Starts this machine's server, whatever the preferences say of jobs that do so; what came of it."""
    try:
        with server.connect(replace(choice, may_start=True, address="")) as client:
            return describe(client, choice)
    except UnderstudyError as error:
        return of_error(error)


def stop(choice: ServerChoice) -> About:
    """Has the server finish its running part and end; unfinished jobs go on at its next start."""
    try:
        with server.connect(replace(choice, may_start=False)) as client:
            client.drain()
    except UnderstudyError as error:
        return of_error(error)
    return About(state=State.STOPPING, text="The server finishes the running part and ends")


def ask(choice: ServerChoice) -> About:
    """The server as it is now. None is started."""
    try:
        with server.connect(replace(choice, may_start=False)) as client:
            return describe(client, choice)
    except UnderstudyError as error:
        return of_error(error)
