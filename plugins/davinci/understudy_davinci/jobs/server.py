# SPDX-License-Identifier: Apache-2.0
"""Finds the Understudy server of this machine, and starts it where none runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from understudy_api.client import Client
from understudy_api.endpoint import read_endpoint
from understudy_api.errors import NotFound, ServerAway
from understudy_api.handshake import check
from understudy_api.starting import start_server
from understudy_api.v1 import model_pb2

from .. import VERSION

COMMAND = (sys.executable, "-m", "understudy_server", "serve")
PATIENCE_S = 10.0  # of streams, for a server that does not answer; then the artist is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the window offers by the model that makes our jobs."""

    model: str  # its title
    notice: str = ""  # the honest line about it, if there is one
    takes_prompt: bool = False
    four_step: bool = False  # it has a LoRA for four steps
    loras: tuple[str, ...] = ()  # of the artist's own, that fit it


def connect(
    say: Callable[[str], None],
    *,
    folder: Path | None = None,
    command: tuple[str, ...] = COMMAND,
    patience_s: float = PATIENCE_S,
) -> Client:
    """A client whose server has answered.

    Args:
        say: told what is waited for, and what the artist should know of the server's version.
        folder: the server's data folder; None is this user's.
        command: starts a server; () starts none.

    Raises:
        ServerAway: no server runs, and none could be started.
        Unsupported: its version is too far from ours.
    """
    try:
        read_endpoint(folder)
    except ServerAway:
        if not command:
            raise
        say("starting the server")
        start_server(command, folder)
    client = Client(folder=folder, patience_s=patience_s)
    try:
        if told := check(client.info().version, VERSION, "plugin"):
            say(told)
    except BaseException:
        client.close()
        raise
    return client


def served_model(client: Client) -> model_pb2.Model:
    """The model that makes our jobs, which name none. Raises NotFound if its weights are not here."""
    model = next((each for each in client.models() if each.is_default), None)
    if model is None or not model.installed:
        name = model.title if model else "A model"
        raise NotFound(
            f"{name} is not installed. See what is with understudy models, and start the server again.",
            reason="MODEL_MISSING",
        )
    return model


def served(client: Client) -> Served:
    """Raises NotFound as `served_model` does."""
    model = served_model(client)
    return Served(
        model=model.title or model.name,
        notice=model.notice,
        takes_prompt=model.takes_prompt,
        four_step=model.four_step,
        loras=tuple(lora.name for lora in model.loras),
    )
