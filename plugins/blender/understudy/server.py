# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the Understudy server, and starts this machine's when none runs. Knows nothing of bpy.

Everything here may wait for seconds: it is called from threads only.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from . import local_server
from ._api.endpoint import Endpoint, read_endpoint
from ._api.errors import InvalidRequest, ServerAway, Unsupported
from .handshake import check

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.v1 import model_pb2

PATIENCE_S = 60.0  # of streams and transfers, for a server that is away


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """What the preferences say of the server."""

    address: str = ""  # "host:port" of a server elsewhere; empty: this machine's, by its endpoint file
    token: str = field(default="", repr=False)  # of the server at address
    command: str = ""  # of the understudy program; empty: looked for on PATH
    may_start: bool = True
    data_folder: Path | None = None  # None: the usual one of this user


def connect(
    choice: ServerChoice, say: Callable[[str], None] = lambda text: None, *, patience_s: float = PATIENCE_S
) -> Client:
    """A client whose server has answered. *say* is told what is waited for.

    Raises:
        ServerAway: no server runs, and none could be started.
        TokenRefused: the server does not know this user.
        Unsupported: its version is too far from ours, or it is another machine.
    """
    # grpc takes a fifth of a second to import: not at Blender's start.
    from ._api.client import Client

    there = elsewhere(choice)
    if there is None:
        _refuse_remote(_found_or_started(choice, say))
    client = Client(there, folder=choice.data_folder, patience_s=patience_s)
    try:
        check(client.info().version)
    except BaseException:
        client.close()
        raise
    return client


def elsewhere(choice: ServerChoice) -> Endpoint | None:
    """The server that the preferences name; None if they leave it to the endpoint file.

    Raises:
        InvalidRequest: the address is none. Unsupported: it is another machine's.
    """
    if not choice.address:
        return None
    host, colon, port = choice.address.strip().rpartition(":")
    if not (host and colon and port.isdigit()):
        raise InvalidRequest(
            f"'{choice.address}' is no server's address. Write host:port in the extension's preferences.",
            reason="ADDRESS_UNREADABLE",
        )
    endpoint = Endpoint(
        address=choice.address.strip(), token=choice.token, pid=os.getpid(), instance_id="", version=""
    )
    _refuse_remote(endpoint)
    return endpoint


def served_model(client: Client) -> model_pb2.Model:
    """The model that makes our jobs, which name none."""
    from ._api.v1 import model_pb2

    return next((model for model in client.models() if model.is_default), model_pb2.Model())


def is_loopback(address: str) -> bool:
    """Whether "host:port" is this machine, as far as its name tells."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def _found_or_started(choice: ServerChoice, say: Callable[[str], None]) -> Endpoint:
    try:
        return read_endpoint(choice.data_folder)
    except ServerAway as away:
        program = local_server.find_program(choice.command) if choice.may_start else None
        if program is None:
            raise _how_to_start(choice, away) from away
        say("starting the server")
        return local_server.start(program, choice.data_folder)


def _how_to_start(choice: ServerChoice, away: ServerAway) -> ServerAway:
    if choice.may_start and choice.command:
        text = (
            f"{choice.command} cannot be run. Choose the understudy program in the extension's preferences."
        )
    elif choice.may_start:
        text = "No server runs. Run understudy serve, or choose the program in the extension's preferences."
    else:
        return away
    return ServerAway(text, reason="PROGRAM_MISSING", metadata=away.metadata)


def _refuse_remote(endpoint: Endpoint) -> None:
    """Nothing is encrypted here, so the token and the pictures would be open to whoever listens on the way."""
    if is_loopback(endpoint.address):
        return
    host, _, port = endpoint.address.rpartition(":")
    raise Unsupported(
        f"{host.strip('[]')} is another machine, to which nothing is sent in the open. Make a tunnel "
        f"(ssh -N -L {port}:127.0.0.1:{port} {host.strip('[]')}) and write 127.0.0.1:{port} in the preferences.",
        reason="NOT_THIS_MACHINE",
    )
