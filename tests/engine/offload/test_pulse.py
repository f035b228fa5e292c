"""Between two pieces of work somebody is asked, also while the card is waited for."""

from __future__ import annotations

import pytest
import torch

from understudy_engine.offload import pulse
from understudy_engine.offload.pulse import Pulse


class SlowEvent:
    """Of a piece that is done when it has been looked at three times."""

    made: list[SlowEvent]

    def __init__(self) -> None:
        self.looks = 0
        SlowEvent.made.append(self)

    def record(self, stream: object) -> None: ...

    def query(self) -> bool:
        self.looks += 1
        return self.looks > 3


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    SlowEvent.made = []
    monkeypatch.setattr(torch.cuda, "Event", SlowEvent)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
    return torch.device("cuda", 0)


def waited_for() -> list[bool]:
    return [event.looks > 3 for event in SlowEvent.made]


def test_the_host_is_one_short_piece_ahead(card: torch.device) -> None:
    pulsed = Pulse(card, pulse.go_on)
    for _ in range(3):
        pulsed()
    assert waited_for() == [True, True, False]


def test_where_pieces_are_long_the_host_is_not_ahead(
    card: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "LONG_PIECE_S", 0.001)
    pulsed = Pulse(card, pulse.go_on)
    waited = []
    for _ in range(4):  # each look but the last takes half a millisecond: a piece 1.5 ms
        pulsed()
        waited.append(sum(waited_for()))
    assert waited == [0, 1, 3, 4]  # how long they take is known after the second


def test_whoever_wants_no_more_is_heard_while_a_piece_is_waited_for(card: torch.device) -> None:
    def ask() -> None:
        if SlowEvent.made[0].looks:
            raise InterruptedError

    pulsed = Pulse(card, ask)
    pulsed()
    with pytest.raises(InterruptedError):
        pulsed()
    assert SlowEvent.made[0].looks == 1


def test_without_a_card_it_asks_and_nothing_else() -> None:
    asked: list[int] = []
    Pulse(torch.device("cpu"), lambda: asked.append(1))()
    assert asked == [1]
