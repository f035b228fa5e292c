"""Several people in one job: each role as a request of its own, and what is told of all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .errors import RequestError
from .preprocess.missing import to_find
from .preprocess.options import matte_settings, pose_settings
from .types import Depth, Mode, Resume, Retake, Role, SwapRequest

MOST_ROLES = 8


def each_role(request: SwapRequest) -> tuple[SwapRequest, ...]:
    """Each role of *request* as the request that makes it alone: its seed is the job's, and its number added.

    Raises:
        RequestError: roles in Animate, too many of them, or a retake of one that is not there.
    """
    _refuse_amiss(request)
    further = enumerate(request.roles, 1)
    return (_first(request), *(_alone(request, number, role) for number, role in further))


def roles_made(request: SwapRequest) -> tuple[int, ...]:
    """Their numbers: all of them, but in a retake that names some."""
    named = request.retake.roles if request.retake else ()
    return tuple(sorted(set(named))) or tuple(range(1 + len(request.roles)))


def _refuse_amiss(request: SwapRequest) -> None:
    if request.roles and request.mode is Mode.ANIMATE:
        raise RequestError("Animate makes one character. Leave out the other roles, or use Replace.")
    if request.depth is not Depth.SEEN and not request.roles:
        raise RequestError(
            "Nobody else is replaced, so there is nobody to be in front of or behind. Leave that out."
        )
    count = 1 + len(request.roles)
    if count > MOST_ROLES:
        raise RequestError(
            f"A job replaces at most {MOST_ROLES} people, not {count}. Make some in a second job."
        )
    for number in request.retake.roles if request.retake else ():
        if not 0 <= number < count:
            raise RequestError(f"There is no role {number}; the take has roles 0 to {count - 1}.")


def _first(request: SwapRequest) -> SwapRequest:
    retake = None if request.retake is None else replace(request.retake, others=(), roles=())
    resume = replace(request.resume, others=())
    return replace(request, roles=(), depth=Depth.SEEN, retake=retake, resume=resume)


def _alone(request: SwapRequest, number: int, role: Role) -> SwapRequest:
    return replace(
        request,
        character=role.character,
        passes=role.passes,
        matte=role.matte,
        pose=role.pose,
        depth=Depth.SEEN,
        sampling=replace(request.sampling, seed=request.sampling.seed + number),
        resume=_resumed(request.resume, number),
        retake=None if request.retake is None else _retaken(request.retake, number),
        roles=(),
    )


def _resumed(resume: Resume, number: int) -> Resume:
    overlap = resume.others[number - 1] if len(resume.others) >= number else None
    return Resume(segment=resume.segment, overlap=overlap)


def _retaken(retake: Retake, number: int) -> Retake:
    base = retake.others[number - 1] if len(retake.others) >= number else None
    return replace(retake, base=base, others=(), roles=())


@contextmanager
def named_role(number: int, roles: Sized) -> Iterator[None]:
    """Refusals within, which speak of one person, say whose they are, where there are several *roles*."""
    try:
        yield
    except RequestError as error:
        if len(roles) < 2:
            raise
        raise type(error)(f"Role {number}: {error.message}", **error.facts) from error


def role_settings(request: SwapRequest) -> Mapping[str, Any]:
    """What further roles add to the plan's settings: nothing where there are none."""
    told: dict[str, Any] = {} if request.depth is Depth.SEEN else {"depth": request.depth.value}
    if request.roles:
        told["roles"] = [
            _settings(alone, role) for alone, role in zip(each_role(request)[1:], request.roles, strict=True)
        ]
    if request.retake is not None and request.retake.roles:
        told["retake_roles"] = list(request.retake.roles)
    return told


def _settings(alone: SwapRequest, role: Role) -> dict[str, Any]:
    found = to_find(alone)
    return {
        **matte_settings(alone.matte),
        **pose_settings(alone),
        **({"found": found} if found else {}),
        **({"depth": role.depth.value} if role.depth is not Depth.SEEN else {}),
    }


def told_together(sentences: Sequence[Sequence[str]]) -> Iterator[str]:
    """What was told of each role: once what holds for all, and whose it is of the rest."""
    if len(sentences) == 1:
        yield from sentences[0]
        return
    for number, told in enumerate(sentences):
        for sentence in told:
            if not all(sentence in others for others in sentences):
                yield f"Role {number}: {sentence}"
            elif number == 0:
                yield sentence
