"""What the roles of one job share while their passes are opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import RequestError
from .look_around import LookAround
from .plate import Neighbour


@dataclass(frozen=True, slots=True)
class Company:
    """As one role meets it."""

    around: LookAround  # the range of the clip, read once for all
    touching: Callable[[int], Sequence[Neighbour]]  # by frame


@contextmanager
def named_role(number: int, roles: Sized) -> Iterator[None]:
    """Refusals within, which speak of one person, say whose they are, where there are several *roles*."""
    try:
        yield
    except RequestError as error:
        if len(roles) < 2:
            raise
        raise type(error)(f"Role {number}: {error.message}", **error.facts) from error
