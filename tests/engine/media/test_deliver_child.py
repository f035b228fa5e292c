"""Delivery in a process of its own: the same file, and sound that breaks its reader breaks nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.engine.media.clips import counting_sound, heard, make_clip
from tests.engine.media.test_atomic import files_limited_to
from tests.support.waiting import wait_until
from understudy_engine.errors import CorruptMedia, DiskFull, MediaError, UnsupportedMedia
from understudy_engine.media import errand
from understudy_engine.media.deliver_child import deliver_isolated, delivery_limits
from understudy_engine.media.digest import picture_digest
from understudy_engine.media.isolated import started
from understudy_engine.media.join_child import join_isolated
from understudy_engine.media.read import probe
from understudy_engine.media.wire import DecoderLimits
from understudy_engine.media.write import DeliveryCodec, deliver
from understudy_engine.types import FrameRange, FrameSize

FRAMES = 12
RATE = 24
SIZE = FrameSize(64, 48)
LIMITS = delivery_limits(SIZE)
PRORES = DeliveryCodec.PRORES_422_HQ
only_linux = pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")


@pytest.fixture
def master(tmp_path: Path) -> Path:
    """With sound that MOV does not take, so that it has to be decoded."""
    folder = tmp_path / "job"
    folder.mkdir()
    sound = counting_sound(FRAMES * 48_000 // RATE)
    return make_clip(folder / "master.mkv", FRAMES, codec="ffv1", sound=sound, sound_codec="flac")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "shot.mov"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """All processes that are sent on errands."""
    sent: list[subprocess.Popen[bytes]] = []

    def noted(*arguments: str) -> subprocess.Popen[bytes]:
        sent.append(started(*arguments))
        return sent[-1]

    monkeypatch.setattr(errand, "started", noted)
    monkeypatch.setattr(errand, "MEANWHILE_S", 0.02)
    return sent


@pytest.mark.parametrize(
    "codec", [PRORES, DeliveryCodec.H264, DeliveryCodec.FFV1, DeliveryCodec.PNG_SEQUENCE]
)
def test_a_delivery_is_the_one_that_would_be_written_here(
    master: Path, tmp_path: Path, codec: DeliveryCodec
) -> None:
    here, there = tmp_path / f"here{codec.suffix}", tmp_path / f"there{codec.suffix}"
    deliver(master, here, codec)
    deliver_isolated(master, there, codec, limits=LIMITS)
    assert picture_digest(there) == picture_digest(here)
    if codec.suffix:
        assert heard(there)[0] == heard(here)[0]
        np.testing.assert_array_equal(heard(there)[1], heard(here)[1])


def test_what_a_delivery_meets_is_told_in_its_own_words_and_leaves_nothing(master: Path, out: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="DNxHR begins at 256 x 120; this is 64 x 48"):
        deliver_isolated(master, out, DeliveryCodec.DNXHR_HQX, limits=LIMITS)
    with pytest.raises(FileNotFoundError):
        deliver_isolated(master, out.parent / "nowhere" / "shot.mov", PRORES, limits=LIMITS)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("codec", [PRORES, DeliveryCodec.FFV1, DeliveryCodec.EXR_SEQUENCE])
def test_a_full_disk_is_a_full_disk_from_there_too(master: Path, out: Path, codec: DeliveryCodec) -> None:
    with files_limited_to(3_000), pytest.raises(DiskFull, match="disk is full"):
        deliver_isolated(master, out, codec, limits=LIMITS)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_dead_writer_is_told_in_words_and_nothing_takes_the_place(
    master: Path, out: Path, children: list[subprocess.Popen[bytes]], blow: signal.Signals
) -> None:
    with pytest.raises(
        CorruptMedia, match=r"shot\.mov could not be written: .* The frames and the master are kept"
    ):
        deliver_isolated(master, out, PRORES, limits=LIMITS, meanwhile=lambda: children[0].send_signal(blow))
    assert not out.exists()
    deliver_isolated(master, out, PRORES, limits=LIMITS)
    assert probe(out).frame_count == FRAMES


def test_a_writer_that_hangs_is_ended_by_the_clock(
    master: Path, out: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    limits = DecoderLimits(memory_bytes=LIMITS.memory_bytes, seconds=1)
    with pytest.raises(CorruptMedia, match="too much memory or time"):
        deliver_isolated(
            master, out, PRORES, limits=limits, meanwhile=lambda: children[0].send_signal(signal.SIGSTOP)
        )
    assert children[0].returncode == -signal.SIGKILL


def test_whoever_leaves_meanwhile_takes_the_writer_along(
    master: Path, out: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    class Left(Exception): ...

    def leave() -> None:
        raise Left

    with pytest.raises(Left):
        deliver_isolated(master, out, PRORES, limits=LIMITS, meanwhile=leave)
    assert children[0].returncode == -signal.SIGKILL
    assert not out.exists()


@only_linux
def test_a_writer_that_nobody_waits_for_any_more_ends(tmp_path: Path, out: Path) -> None:
    """As when the engine process is killed."""
    master = make_clip(tmp_path / "master.mkv", 60, codec="ffv1", size=FrameSize(640, 360))
    code = (
        "import sys; from pathlib import Path; from understudy_engine.media import errand\n"
        "started, errand.MEANWHILE_S = errand.started, 0.2\n"
        "def noted(module):\n global pid; process = started(module); pid = process.pid; return process\n"
        "errand.started = noted\n"
        "from understudy_engine.media.deliver_child import *\n"
        "deliver_isolated(Path(sys.argv[1]), Path(sys.argv[2]), DeliveryCodec.EXR_SEQUENCE, limits=DecoderLimits(),\n"
        " meanwhile=lambda: print(pid, flush=True))\n"
    )
    waiting = subprocess.Popen([sys.executable, "-c", code, str(master), str(out)], stdout=subprocess.PIPE)
    assert waiting.stdout is not None
    with waiting.stdout:
        pid = int(waiting.stdout.readline())
    assert _runs(pid)
    waiting.kill()
    waiting.wait()
    wait_until(lambda: not _runs(pid))
    assert not out.exists()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@only_linux
def test_a_writer_has_limits_of_memory_and_time_that_frames_widen(
    master: Path, out: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    told: list[dict[str, str]] = []

    def look() -> None:
        lines = Path(f"/proc/{children[0].pid}/limits").read_text().splitlines()[1:]
        told.append({line[:26].strip(): line[26:].split()[0] for line in lines})

    deliver_isolated(master, out, DeliveryCodec.EXR_SEQUENCE, limits=LIMITS, meanwhile=look)
    bounded = [limits for limits in told if limits["Max cpu time"] != "unlimited"]
    assert bounded
    for limits in bounded:
        assert int(limits["Max address space"]) == LIMITS.memory_bytes
        assert LIMITS.seconds < int(limits["Max cpu time"]) < LIMITS.seconds + 60
    assert delivery_limits(FrameSize(3840, 2160)).memory_bytes > LIMITS.memory_bytes + (4 << 30) - (1 << 29)


# ---- Sound as a weapon -----------------------------------------------------------------------------------


@only_linux
@pytest.mark.parametrize("codec", [PRORES, DeliveryCodec.H264])
def test_a_writer_that_needs_too_much_memory_is_a_sentence(
    master: Path, out: Path, codec: DeliveryCodec
) -> None:
    tight = DecoderLimits(memory_bytes=150 << 20)  # less than the libraries and an encoder need
    with pytest.raises(CorruptMedia, match="too much memory or time"):
        deliver_isolated(master, out, codec, limits=tight)
    assert not out.exists()


def silence_for(path: Path, gap_s: int, *, blocks: int = 1) -> Path:
    """Half a second of pictures with *blocks* tenths of a second of sound; the last begins *gap_s* later."""
    make_clip(path.with_name("pictures.mkv"), FRAMES, codec="ffv1")
    with av.open(path.with_name("pictures.mkv")) as source, av.open(path, "w") as container:
        pictures = container.add_stream_from_template(source.streams.video[0])
        track = container.add_stream("flac", rate=48_000, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                container.mux(packet)
        for number in range(blocks + 1):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4608), np.int16), format="s16", layout="mono")
            start = number * 4608 if number < blocks else gap_s * 48_000
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    "bomb",
    [lambda path: silence_for(path, 30_000_000), lambda path: silence_for(path, 100, blocks=1000)],
    ids=["a year told", "packed silence"],
)
def test_sound_beyond_the_pictures_is_bounded_however_long_it_says_it_is(
    tmp_path: Path, out: Path, bomb: Callable[[Path], Path]
) -> None:
    clip = probe(bomb(tmp_path / "clip.mkv"))
    part, master = make_clip(tmp_path / "part.mkv", FRAMES, codec="ffv1"), tmp_path / "master.mkv"
    join_isolated([part], master, clip=clip, frames=FrameRange(0, FRAMES))
    assert len(probe(master).audio_streams) == 1
    deliver_isolated(master, out, PRORES, limits=LIMITS)
    assert out.stat().st_size < 62 * 48_000 * 4
    assert len(heard(out)[1]) <= (60 + FRAMES / RATE) * 48_000


@pytest.mark.parametrize("seed", range(6))
def test_damaged_sound_is_delivered_or_refused_in_words(master: Path, out: Path, seed: int) -> None:
    data = bytearray(master.read_bytes())
    rng = np.random.default_rng(seed)
    for at in rng.integers(len(data) // 4, len(data), 40):
        data[at] ^= 1 << rng.integers(8)
    master.write_bytes(data)
    with suppress(MediaError):
        deliver_isolated(master, out, PRORES, limits=LIMITS)
    assert not out.exists() or probe(out).frame_count == FRAMES


@pytest.mark.parametrize("answer", [b"", b"\x00\x00\x00\x02[]", b'\x00\x00\x00\x0e{"errno": "x"}'])
def test_nonsense_from_a_writer_that_was_taken_over_is_no_delivery(
    master: Path, out: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    python = out.parent / "python"
    python.write_text("#!/bin/sh\nprintf '" + "".join(f"\\{byte:03o}" for byte in answer) + "'\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(CorruptMedia, match=r"shot\.mov could not be written"):
        deliver_isolated(master, out, PRORES, limits=LIMITS)
    assert list(out.parent.iterdir()) == [python]
