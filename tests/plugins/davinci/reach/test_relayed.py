"""Resolve through the menu script: the stand-in behind a pipe behaves as the stand-in."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.support.waiting import PATIENCE_S
from understudy_davinci.reach.relayed import Pipe, Proxy, ResolveGone
from understudy_launcher import relay

Relayed = Callable[[Any], tuple[Pipe, Proxy]]


@pytest.fixture
def relayed() -> Iterator[Relayed]:
    """*resolve* at the other end of a pipe, served by a thread as the menu script serves it."""
    opened: list[tuple[Pipe, threading.Thread]] = []

    def begin(resolve: Any) -> tuple[Pipe, Proxy]:
        asked, asks = os.pipe()
        answered, answers = os.pipe()

        def serve() -> None:
            with os.fdopen(asked, "rb") as requests, os.fdopen(answers, "wb") as replies:
                relay.serve(resolve, requests, replies)

        thread = threading.Thread(target=serve)
        thread.start()
        pipe = Pipe(os.fdopen(asks, "wb"), os.fdopen(answered, "rb"))
        opened.append((pipe, thread))
        return pipe, pipe.resolve()

    yield begin
    for pipe, thread in opened:
        pipe.close()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the menu script ends when the companion does"


def test_a_relayed_object_has_the_members_of_the_object(seat: Seat, relayed: Relayed) -> None:
    resolve = seat("studio-20.3.2").standin.resolve
    _, proxy = relayed(resolve)
    assert dir(proxy) == sorted(dir(resolve))
    assert proxy.GetVersionString() == resolve.GetVersionString()


def test_an_attribute_that_resolve_does_not_have_is_none(relayed: Relayed, seat: Seat) -> None:
    _, proxy = relayed(seat("studio-20.3.2").standin.resolve)
    assert proxy.GetNothingOfTheKind is None
    assert "GetNothingOfTheKind" not in dir(proxy)


def test_a_clip_is_placed_through_the_relay(seat: Seat, clips: dict[str, Any], relayed: Relayed) -> None:
    """Objects go there inside lists and dictionaries, and come back in lists."""
    artist = seat("studio-20.3.2", video_tracks=2)
    _, proxy = relayed(artist.standin.resolve)
    project = proxy.GetProjectManager().GetCurrentProject()
    pool = project.GetMediaPool()
    [clip] = pool.ImportMedia([str(clips["a"])])
    pool.SetSelectedClip(clip)
    asked = {"mediaPoolItem": clip, "startFrame": 2, "endFrame": 7, "trackIndex": 2, "recordFrame": 86400}
    [placed] = pool.AppendToTimeline([asked])
    assert (placed.GetStart(), placed.GetDuration()) == (86400, 5)
    [listed] = project.GetCurrentTimeline().GetItemListInTrack("video", 2)
    assert listed.GetUniqueId() == placed.GetUniqueId()


def test_numbers_stay_numbers_as_keys(relayed: Relayed) -> None:
    class Timeline:
        def GetMarkers(self) -> dict[float, dict[str, Any]]:  # noqa: N802
            return {96.0: {"color": "Green", "duration": 1.0, "custom": [None, True, 3]}}

    _, proxy = relayed(Timeline())
    assert proxy.GetMarkers() == {96.0: {"color": "Green", "duration": 1.0, "custom": [None, True, 3]}}


def test_what_resolve_raises_is_told(relayed: Relayed) -> None:
    class Broken:
        def GetName(self) -> str:  # noqa: N802
            raise TypeError("wrong arity")

    _, proxy = relayed(Broken())
    with pytest.raises(RuntimeError, match="TypeError: wrong arity"):
        proxy.GetName()
    with pytest.raises(TypeError, match="object cannot be passed to Resolve"):
        proxy.GetName(object())


def test_a_constant_is_its_value(relayed: Relayed) -> None:
    class Resolve:
        EXPORT_EDL = 7.0

    _, proxy = relayed(Resolve())
    assert proxy.EXPORT_EDL == 7.0


def test_objects_that_nobody_holds_are_forgotten_there(seat: Seat) -> None:
    objects = relay.Objects(seat("studio-20.3.2").standin.resolve)
    told = objects.answer({"do": "call", "on": 0, "name": "GetProjectManager", "arguments": []})
    number = told["value"]["object"]
    assert "value" in objects.answer({"do": "dir", "on": number})
    assert "KeyError" in objects.answer({"do": "dir", "on": number, "drop": [number]})["error"]


def test_resolve_that_has_quit_is_said_so() -> None:
    asked, asks = os.pipe()
    answered, answers = os.pipe()
    os.close(asked)
    os.close(answers)
    pipe = Pipe(os.fdopen(asks, "wb"), os.fdopen(answered, "rb"))
    with pytest.raises(ResolveGone, match="DaVinci Resolve has ended the connection"):
        pipe.resolve().GetVersion()
    pipe.close()


def test_a_closed_pipe_is_resolve_gone(relayed: Relayed, seat: Seat) -> None:
    pipe, proxy = relayed(seat("studio-20.3.2").standin.resolve)
    pipe.close()
    with pytest.raises(ResolveGone):
        proxy.GetVersion()
