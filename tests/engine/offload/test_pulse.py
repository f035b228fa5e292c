"""Between two pieces of work somebody is asked, also while the card is waited for, which is never without work."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from pathlib import Path

import pytest
import torch

from understudy_engine.footprint import tokens
from understudy_engine.model.between import go_on
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.offload import pulse
from understudy_engine.offload.pulse import Pulse
from understudy_engine.types import FrameSize

CARD = torch.device("cuda", 0)
LAUNCH_S = 0.002  # that a piece takes to ask for: some 20 kernels
OVERSLEPT_S = 0.0002
LIMIT_S = 0.3
ROWS = json.loads(Path("docs/benchmarks/speed_h200.json").read_text("utf-8"))["rows"]
H200 = {  # FLOP/s of matmuls and of attention
    precision: tuple(
        ROWS[name]["value"] * 1e12 for name in (f"matmul_{precision}", f"attention_{backend}_75600")
    )
    for precision, backend in (("bf16", "hopper"), ("int8", "hopper-int8"))
}
WIDE, NARROW = FrameSize(1280, 720), FrameSize(832, 480)


class Stopped(Exception):
    pass


class Clockwork:
    """A card, and the host's clock: what is asked for is done in order, each piece in its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.free = self.idle_s = 0.0
        monkeypatch.setattr(torch.cuda, "Event", lambda enable_timing: Mark(self))
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds + OVERSLEPT_S

    def work(self, seconds: float) -> None:
        self.now += LAUNCH_S if seconds > 2 * LAUNCH_S else seconds / 2
        self.idle_s += max(0.0, self.now - self.free) if self.free else 0.0
        self.free = max(self.now, self.free) + seconds

    def run(self, pieces: Iterable[float], ask: Callable[[], None] = go_on) -> None:
        pulsed = Pulse(CARD, ask)
        for number, seconds in enumerate(pieces):
            if number == pulse.KNOWN + 4:
                self.idle_s = 0.0  # before, short pieces may be waited for
            self.work(seconds)
            pulsed()


class Mark:
    """The moment when all is done that was asked for before it was recorded."""

    def __init__(self, card: Clockwork) -> None:
        self._card = card

    def record(self, stream: object) -> None:
        self._at = self._card.free

    def query(self) -> bool:
        return self._card.now >= self._at

    def elapsed_time(self, later: Mark) -> float:
        """Milliseconds."""
        return 1000 * (later._at - self._at)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    return Clockwork(monkeypatch)


def stands_still_after(card: Clockwork, pieces: Iterable[float], wished_at: float) -> float:
    """Seconds from the wish until all that was asked for is done."""

    def ask() -> None:
        if card.now >= wished_at:
            raise Stopped

    with pytest.raises(Stopped):
        card.run(pieces, ask)
    return card.free - wished_at


def block_pieces(size: FrameSize, spans: int, matmul: float, attention: float) -> list[float]:
    """Seconds of a block's pieces as blocks.py has them, by rates in FLOP/s; 77 frames of the 14B model."""
    net, count = WAN_ANIMATE_14B.transformer, tokens(size, 77)
    square = 2 * count * net.dim**2 / matmul
    elementwise = 0.005 * count / tokens(WIDE, 77)  # norms, gates, rotation, attention to the context
    look = 4 * count**2 * net.dim / attention
    think = 2 * square * net.ffn_dim / net.dim + elementwise
    if spans == 1:
        return [3 * square + elementwise, look, 3 * square + elementwise, think]
    rest = [(square + look) / spans, (3 * square + elementwise) / spans, think / spans]
    return [2 * square + elementwise, *rest * spans]


@pytest.mark.parametrize("precision", H200)
def test_the_pieces_of_40_blocks_take_as_long_as_a_measured_step(precision: str) -> None:
    step_s = ROWS[f"step_{precision}_720p"]["value"]
    for spans in (1, 7):
        assert 40 * sum(block_pieces(WIDE, spans, *H200[precision])) == pytest.approx(step_s, rel=0.05)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize(("size", "spans"), [(WIDE, 1), (WIDE, 7), (NARROW, 1), (NARROW, 4)])
def test_the_largest_model_is_left_within_the_limit_and_never_waits_for_the_host(
    precision: str, size: FrameSize, spans: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = block_pieces(size, spans, *H200[precision])
    for moment in range(24):
        card = Clockwork(monkeypatch)
        wished_at = 2 * sum(block) + moment * sum(block) / 24
        assert stands_still_after(card, chain.from_iterable(repeat(block)), wished_at) < 0.8 * LIMIT_S
        assert card.idle_s == 0


def test_a_pass_of_the_vae_is_left_between_two_of_its_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 stages of 8 frames at 720p: 0.165 s together, most of it in the last two levels."""
    stages = [0.0015] * 4 + [0.010] * 3 + [0.002] + [0.016] * 3 + [0.006] + [0.021] * 3
    assert sum(stages) == pytest.approx(0.165, rel=0.15)
    for moment in range(12):
        card = Clockwork(monkeypatch)
        wished_at = sum(stages) * (2 + moment / 12)
        assert stands_still_after(card, chain.from_iterable(repeat(stages)), wished_at) < 0.1
        assert card.idle_s == 0


def test_where_pieces_are_short_several_are_in_store(card: Clockwork) -> None:
    card.run([0.004] * 100)
    in_store = card.free - card.now
    assert 0.5 * pulse.AHEAD_S < in_store < 2 * pulse.AHEAD_S
    assert card.idle_s == 0


def test_what_is_known_of_short_pieces_is_forgotten_where_other_work_begins(card: Clockwork) -> None:
    pulsed, lasting = Pulse(CARD, go_on), 0.17
    for _ in range(100):
        card.work(0.004)
        pulsed()
    pulsed.begin()
    for _ in range(3):
        card.work(lasting)
        pulsed()
        assert card.free - card.now <= lasting


def test_whoever_wants_no_more_is_heard_while_a_piece_is_waited_for(card: Clockwork) -> None:
    wished_at = 1.5
    stands_still_after(card, repeat(1.0), wished_at)
    assert card.now - wished_at < 2 * (pulse.POLL_S + OVERSLEPT_S)


def test_without_a_card_it_asks_and_nothing_else() -> None:
    asked: list[int] = []
    Pulse(torch.device("cpu"), lambda: asked.append(1))()
    assert asked == [1]
