# SPDX-License-Identifier: Apache-2.0
"""Who a clip shows: A, B, C, each with a picture."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from understudy_api.client import Client
from understudy_api.errors import JobCancelled, UnderstudyError
from understudy_api.v1 import analysis_pb2

from ..shot import Footage, Progress, Tell, Wanted
from .specs import movie_kind


@dataclass(frozen=True, slots=True)
class Person:
    name: str  # "A"
    frames_seen: int
    picture: bytes  # PNG, of the frame that shows them best


def find_people(client: Client, footage: Footage, tell: Tell, wanted: Wanted) -> tuple[Person, ...]:
    """Everybody of *footage*, who takes up most of it first. What was found once is not looked for again.

    Raises:
        JobCancelled: nobody wants to know any more. UnderstudyError: the clip cannot be used.
    """
    clip = client.hand_over(footage.path, movie_kind(footage.path))
    analysis = client.create_analysis(clip.name, range=(footage.span.start, footage.span.end))
    with client.watch_analysis(analysis.name) as changes:
        for change in changes:
            if change.people:
                break
            if not wanted():
                with contextlib.suppress(UnderstudyError):  # what goes on harms nobody: the job uses it
                    client.cancel_analysis(analysis.name)
                raise JobCancelled("Cancelled.")
            tell(Progress(_fraction(change), "looking for people"))
    if not client.analysis(analysis.name).people:
        client.wait_for_analysis(analysis.name)  # raises what it failed with
    found = client.people(analysis.name)
    return tuple(Person(each.name, each.frames_seen, each.thumbnail) for each in found)


def _fraction(analysis: analysis_pb2.Analysis) -> float:
    done = analysis.progress
    return done.frame / done.frames if done.frames else 0.0
