"""Every RPC of the API, found by its descriptors, and what a server answers to it when it is called with raw bytes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import understudy_api.v1
from tests.server.support.process import Api, Told, told

CALL_S = 60.0
UNKNOWN_FIELD = b"\xc2\xa9\x07\x05later"  # field 15,000, five bytes
UNKNOWN_VALUE = 9999


@dataclass(frozen=True, slots=True)
class Rpc:
    service: str
    name: str
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"


def all_rpcs() -> list[Rpc]:
    modules = [
        importlib.import_module(f"understudy_api.v1.{module.name}")
        for module in pkgutil.iter_modules(understudy_api.v1.__path__)
        if module.name.endswith("_pb2")
    ]
    services = [service for module in modules for service in module.DESCRIPTOR.services_by_name.values()]
    return [
        Rpc(
            service=service.full_name,
            name=method.name,
            request=GetMessageClass(method.input_type),
            response=GetMessageClass(method.output_type),
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
        )
        for service in services
        for method in service.methods
    ]


def answer(
    api: Api, rpc: Rpc, messages: Sequence[bytes], metadata: Iterable[tuple[str, str]] | None = None
) -> Told | Message | None:
    """What the server says to *messages*: its (first) response, its error in words, None for an empty stream.

    Raises KeyError or AssertionError for an error that is not told in the API's way.
    """
    sent = tuple(api.metadata if metadata is None else metadata)
    kind = ("stream" if rpc.client_streaming else "unary") + ("_stream" if rpc.server_streaming else "_unary")
    method = getattr(api.channel, kind)(rpc.path, None, rpc.response.FromString)
    request = iter(messages) if rpc.client_streaming else messages[0]
    try:
        call = method(request, metadata=sent, timeout=CALL_S)
        return first(call) if rpc.server_streaming else call
    except grpc.RpcError as error:
        return told(error)


def first(call: Any) -> Message | None:
    message: Message | None = next(call, None)
    call.cancel()
    return message


def with_unknown_fields(message: Message) -> bytes:
    """*message* with a field that only a later version knows, in it and in every message within it."""
    grown = type(message)()
    grown.CopyFrom(message)
    for part in _parts(grown):
        part.MergeFromString(UNKNOWN_FIELD)
    return grown.SerializeToString()


def _parts(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or _is_map(field):
            continue
        for part in value if field.is_repeated else [value]:
            yield from _parts(part)


def with_unknown_enums(message: Message) -> Iterator[tuple[str, Message]]:
    """*message* once for each enum field that can be set in it, with a value there that no version knows."""
    for path in enum_paths(message.DESCRIPTOR):
        grown = type(message)()
        grown.CopyFrom(message)
        if _set_unknown(grown, path):
            yield ".".join(field.name for field in path), grown


def _set_unknown(message: Any, path: Sequence[FieldDescriptor]) -> bool:
    """False where the way leads through another member of a oneof than the one that is chosen."""
    for field in path:
        chosen = message.WhichOneof(field.containing_oneof.name) if field.containing_oneof else None
        if chosen not in (None, field.name):
            return False
        if field.message_type is not None:
            held = getattr(message, field.name)
            message = (held[0] if held else held.add()) if field.is_repeated else held
    last = path[-1]
    if last.is_repeated:
        getattr(message, last.name).append(UNKNOWN_VALUE)
    else:
        setattr(message, last.name, UNKNOWN_VALUE)
    return True


def enum_paths(descriptor: Any) -> Iterator[tuple[FieldDescriptor, ...]]:
    for field in descriptor.fields:
        if field.enum_type is not None:
            yield (field,)
        elif field.message_type is not None and not _is_map(field):
            yield from ((field, *rest) for rest in enum_paths(field.message_type))


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
