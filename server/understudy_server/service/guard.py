"""What every call passes through: the token, no browsers, and errors put into words."""

from __future__ import annotations

import hmac
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
import grpc.aio

from ..errors import (
    BrowserRefused,
    InvalidField,
    ServerError,
    TokenBad,
    TokenMissing,
    code_of,
    reason_of,
    to_status,
)

DETAILS_KEY = "grpc-status-details-bin"
BROWSER_KEYS = ("origin", "cookie", "referer")  # and all that begin with sec-fetch-

MOST_BYTES = 4 << 20  # of a request

log = logging.getLogger(__name__)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Guard(grpc.aio.ServerInterceptor):
    """Refuses calls without *token* and calls that a browser made; packs errors as google.rpc.Status."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler | None]], details: grpc.HandlerCallDetails
    ) -> Handler | None:
        try:
            self._check(details.invocation_metadata)
        except ServerError as error:
            return _refusing(error)
        handler = await continuation(details)
        return _told(handler) if handler is not None else None

    def _check(self, metadata: Any) -> None:
        found = {key.lower(): value for key, value in metadata or ()}
        for key in found:
            if key in BROWSER_KEYS or key.startswith("sec-fetch-"):
                raise BrowserRefused("Web pages may not use this server.", header=key)
        token = found.get("authorization")
        if token is None:
            raise TokenMissing(
                "This call has no token. Read it from endpoint.json in the server's data folder."
            )
        if not hmac.compare_digest(token.encode() if isinstance(token, str) else token, self._expected):
            raise TokenBad(
                "The token is not this server's; it is a new one whenever the server starts. Read it anew."
            )


def _refusing(error: ServerError) -> Handler:
    async def refuse(request: bytes, context: Any) -> bytes:
        await abort(context, error)
        return b""

    return grpc.unary_unary_rpc_method_handler(refuse)


def _told(handler: Handler) -> Handler:
    """*handler*, with its errors as statuses. Requests are read here: grpc would call broken ones UNKNOWN."""
    # The handler is a named tuple of the method's kind, its behaviour, and how its messages are packed.
    read = _reader(handler.request_deserializer or bytes)
    change: dict[str, Any]
    if handler.unary_unary is not None:
        change = {"unary_unary": _unary(handler.unary_unary, read)}
    elif handler.stream_unary is not None:
        change = {"stream_unary": _unary(handler.stream_unary, lambda messages: _read_each(messages, read))}
    elif inspect.isasyncgenfunction(handler.unary_stream):
        change = {"unary_stream": _stream(handler.unary_stream, read)}
    else:  # the health service's Watch writes in another style
        return handler
    return handler._replace(request_deserializer=None, **change)  # type: ignore[attr-defined, no-any-return]


def _reader(deserializer: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(message: bytes) -> Any:
        if len(message) > MOST_BYTES:
            raise InvalidField(
                f"The request has {len(message)} bytes; one request may have {MOST_BYTES}. Send it in parts: an "
                "UpdateAnalysis, for example, with fewer frames at a time.",
                field="",
                size_bytes=len(message),
                limit_bytes=MOST_BYTES,
            )
        try:
            return deserializer(message)
        except Exception as error:  # DecodeError, and what a parser raises for text that is no UTF-8
            raise InvalidField(
                f"The request's {len(message)} bytes are not the message that this call takes. "
                "Use understudy_api.client, or code generated from the server's own .proto files.",
                field="",
            ) from error

    return read


async def _read_each(messages: AsyncIterator[bytes], read: Callable[[bytes], Any]) -> AsyncIterator[Any]:
    async for message in messages:
        yield read(message)


def _unary(
    behaviour: Callable[[Any, Any], Awaitable[Any]], read: Callable[[Any], Any]
) -> Callable[[Any, Any], Awaitable[Any]]:
    async def told(request: Any, context: Any) -> Any:
        try:
            return await behaviour(read(request), context)
        except Exception as error:
            await abort(context, error)

    return told


def _stream(
    behaviour: Callable[[Any, Any], AsyncIterator[Any]], read: Callable[[bytes], Any]
) -> Callable[[bytes, Any], AsyncIterator[Any]]:
    async def told(request: bytes, context: Any) -> AsyncIterator[Any]:
        try:
            async for response in behaviour(read(request), context):
                yield response
        except Exception as error:
            await abort(context, error)

    return told


async def abort(context: Any, error: Exception) -> None:
    """Ends the call with *error*'s code, sentence and details. Raises, always."""
    if isinstance(error, (grpc.aio.AbortError, grpc.aio.BaseError)):
        raise error
    status = to_status(error)
    if reason_of(status) == "INTERNAL":
        log.error("unexpected", exc_info=error)
    await context.abort(code_of(status), status.message, ((DETAILS_KEY, status.SerializeToString()),))
