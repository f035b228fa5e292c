"""Real jobs of the 14B model with random weights, through the real server, on this machine's card.

    python -m scripts.measure_job --out DIR [--work DIR] [--only animate,kill] [--tiny]

Without an installation, PYTHONPATH names ., engine, server, proto and plugins/davinci, and a folder with what is
missing of av, pydantic, ftfy and grpc_health, and with understudy-0.dist-info/METADATA: its Name and Version are read.
A folder of weights is drawn and written once (37 GB), and clip, character and passes are drawn too. Each part tells its
seconds, the plan's memory against the peak, and what was wrong, in DIR/job.json, which is written after every part.
--tiny runs all of it on a CPU with a model of a few thousand parameters: to see that the harness works.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import torch

from scripts.job_bench import check, record
from scripts.job_bench.footage import Footage, make_footage
from scripts.job_bench.model import TINY, make_model
from scripts.job_bench.nano import beside_the_cpu, start_on_cpu
from scripts.job_bench.trial import CANCELLED, SUCCEEDED, Followed, Trial, trial
from understudy_api.v1 import job_pb2
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.types import FrameSize
from understudy_server.cli.asked import Swap
from understudy_server.cli.specs import animate_spec, find_passes, replace_spec
from understudy_server.cli.words import CodecName

PART_S = 240  # that a part may take: what hangs is left, and the next part begins
SEED = 7
NEEDED_BYTES = 45 * 10**9


@dataclass(frozen=True, slots=True)
class Scale:
    """How large things are: as artists have them, or as small as shows that all works."""

    clip: FrameSize
    small_px: int  # the work area of 480p
    large_px: int  # of 720p
    steps: int
    frames: int = 153  # two segments of 77, of which one frame is of both

    @property
    def segment(self) -> int:
        return (self.frames + 1) // 2


FULL = Scale(FrameSize(1280, 720), 832 * 480, 1280 * 720, steps=4)
SMALL = Scale(FrameSize(128, 96), 64 * 64, 128 * 96, steps=40)  # a hundredth of a second each


def main() -> None:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped and logs kept
    asked.out.mkdir(parents=True, exist_ok=True)
    asked.work.mkdir(parents=True, exist_ok=True)
    report = Report(asked.out / "job.json", time.monotonic() + asked.seconds, asked.only)
    bench = Bench(asked.work, tiny=asked.tiny)
    report.facts.update(_machine(asked.work), work=str(asked.work))
    nano = (
        start_on_cpu(asked.work / "nano") if report.wants("nano") else None
    )  # beside the writing of weights
    try:
        report.part("model", bench.make)
        with bench.server(report, "int8", ("animate", "replace", "kill", "cancel480", "memory")) as server:
            report.part("animate", lambda: bench.animate(server))
            report.part("replace", lambda: bench.replace(server))
            report.part("kill", lambda: bench.killed(server))
            report.part("cancel480", lambda: bench.cancelled(server, bench.scale.small_px, (0.3, 0.7)))
            report.part("memory", lambda: bench.out_of_memory(server))  # the last: the model stays smaller
        with bench.server(report, "bf16", ("hd", "cancel720")) as server:
            report.part("hd", lambda: bench.hd(server))
            report.part("cancel720", lambda: bench.cancelled(server, bench.scale.large_px, (0.5,)))
        if nano is not None:
            report.part("nano", lambda: beside_the_cpu(asked.work / "nano", nano))
    finally:
        if nano is not None:
            nano.terminate()
        bench.keep_logs(asked.out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--work", type=Path, default=_roomy(), help="a folder of your own: it needs 45 GB")
    parser.add_argument(
        "--only", default="", help="parts, by comma: animate,replace,kill,cancel480,memory,hd,cancel720,nano"
    )
    parser.add_argument("--seconds", type=float, default=480, help="begin no new part after that long")
    parser.add_argument(
        "--tiny", action="store_true", help="a model of a few thousand parameters, on the CPU"
    )
    return parser.parse_args()


def _roomy() -> Path:
    """Memory where there is enough of it, which is as a warm cache is."""
    memory, disk = (Path(place) / "job_bench" for place in ("/dev/shm", tempfile.gettempdir()))
    if memory.is_dir() or disk.is_dir():
        return memory if memory.is_dir() else disk  # of an earlier run
    there = memory.parent.is_dir() and shutil.disk_usage(memory.parent).free >= NEEDED_BYTES
    return memory if there else disk


class Report:
    """What is known, on disk after each part."""

    def __init__(self, path: Path, deadline: float, only: str) -> None:
        self.facts: dict[str, Any] = {}
        self._path, self._deadline = path, deadline
        self._only = [name for name in only.split(",") if name]

    def wants(self, *names: str) -> bool:
        return time.monotonic() < self._deadline and (
            not self._only or any(name in self._only for name in names)
        )

    def part(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        if name != "model" and not self.wants(name):
            return
        began = time.monotonic()
        try:
            with _no_longer_than(PART_S):
                found = work()
        except Exception as error:  # the other parts are still worth having
            found = {
                "error": f"{type(error).__name__}: {error}"[:600],
                "trace": traceback.format_exc()[-1500:],
            }
        self.tell(name, {"part_s": round(time.monotonic() - began, 1), **found})

    def tell(self, name: str, found: dict[str, Any]) -> None:
        print(name, json.dumps(found), flush=True)
        self.facts[name] = found
        self._path.write_text(json.dumps(self.facts, indent=1))


class Bench:
    def __init__(self, work: Path, *, tiny: bool) -> None:
        self.work, self.tiny = work, tiny
        self.scale = SMALL if tiny else FULL
        self.model = work / "model"
        self._numbers = count()
        self._expected: dict[str, Any] | None = None  # the undisturbed pixels

    def make(self) -> dict[str, Any]:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        made = make_model(TINY if self.tiny else WAN_ANIMATE_14B, self.model, device)
        began = time.monotonic()
        assert self.footage.frames
        return {**made, "footage_s": round(time.monotonic() - began, 1)}

    @cached_property
    def footage(self) -> Footage:
        return make_footage(self.work / "footage", self.scale.clip, self.scale.frames)

    @contextmanager
    def server(self, report: Report, plan: str, parts: tuple[str, ...]) -> Iterator[Trial | None]:
        """None where none of *parts* is wanted, or the server does not come up: then they say so."""
        if not report.wants(*parts):
            yield None
            return
        began = time.monotonic()
        with ExitStack() as stack:
            asked = "auto" if self.tiny else plan
            home, told = self.work / f"server-{plan}", dict[str, Any]()
            server: Trial | None = None
            try:
                server = stack.enter_context(trial(home, self.model, plan=asked, tiny=self.tiny))
                told["up_s"] = round(time.monotonic() - began, 2)
                server.wait_until_loaded()
                told["loaded_s"] = round(time.monotonic() - began, 2)
                told |= record.loading(server.lines)
            except Exception as error:  # the parts say that there is none
                told["error"], server = f"{type(error).__name__}: {error}"[:1500], None
            report.tell(f"server {plan}", told)
            yield server

    # ---- The parts ---------------------------------------------------------------------------------------

    def animate(self, server: Trial | None) -> dict[str, Any]:
        """Animate at 480p, whole."""
        done = self._done(server, "animate", self.scale.small_px)
        self._expected = done.pop("pixels")
        return done

    def replace(self, server: Trial | None) -> dict[str, Any]:
        """Replace at 480p, whole."""
        done = self._done(server, "replace", self.scale.small_px)
        done.pop("pixels")
        return done

    def hd(self, server: Trial | None) -> dict[str, Any]:
        """Replace at 720p, of one segment."""
        done = self._done(server, "replace", self.scale.large_px, frames=self.scale.segment)
        done.pop("pixels")
        return done

    def killed(self, server: Trial | None) -> dict[str, Any]:
        """The engine is killed in the second segment: another one goes on, with the same pixels."""
        assert server is not None
        expected, killed_at = self._undisturbed(server), list[float]()

        def heard(event: job_pb2.JobEvent) -> bool:
            progress = event.progress
            if not killed_at and progress.segments_done == 1 and progress.step >= 2:
                server.kill_engine()
                killed_at.append(time.monotonic())
            return False

        found, _ = self._followed(server, "animate", self.scale.small_px, heard)
        after_s = round(time.monotonic() - killed_at[0], 2) if killed_at else None
        other = check.unlike(check.pixels(self._folder(server, found)), expected)
        plans = [record.memory(run)["plan"] for run in server.last_runs(found)]
        again = {"done_after_s": after_s, "plans": plans, **record.loading(server.lines)}
        return {**found.facts, "killed": bool(killed_at), "same_pixels": not other, "other": other, **again}

    def out_of_memory(self, server: Trial | None) -> dict[str, Any]:
        """In the second segment the card holds less than the plan: the plan below makes the same pixels."""
        assert server is not None
        expected = self._undisturbed(server)
        server.bound_memory(segment=1, text="reading the clip", share=0.9)
        found, _ = self._followed(server, "animate", self.scale.small_px)
        run = server.last_runs(found)[-1]
        other = check.unlike(check.pixels(self._folder(server, found)), expected)
        plans = list(dict.fromkeys(line["plan"]["words"] for line in run if "plan" in line))
        pixels = {"same_pixels": not other, "other": other}
        return {**found.facts, **pixels, "plans": plans, **record.figures(run)}

    def cancelled(self, server: Trial | None, area_px: int, shares: Sequence[float]) -> dict[str, Any]:
        """When *shares* of a step are over: seconds until the job is CANCELLED."""
        assert server is not None
        waits = []
        for share in shares:
            found = self._create(server, "animate", area_px, self.scale.segment)
            steps: list[float] = []

            def heard(event: job_pb2.JobEvent, steps: list[float] = steps) -> bool:
                if event.progress.step > len(steps):
                    steps.append(time.monotonic())
                return len(steps) == 2

            server.follow(found, heard)
            time.sleep(share * (steps[1] - steps[0]))
            asked = time.monotonic()
            server.client.cancel(found.job.name)
            server.follow(found)
            waits.append(round(time.monotonic() - asked, 3))
            assert found.job.state == CANCELLED, found.facts
        return {"cancelled_after_s": waits}

    def keep_logs(self, out: Path) -> None:
        for log in sorted([*self.work.glob("server-*/*.log"), *self.work.glob("server-*/record.jsonl")]):
            text = log.read_bytes()[-2_000_000:]
            (out / f"{log.parent.name}.{log.name}").write_bytes(text)

    # ---- One job -----------------------------------------------------------------------------------------

    def _undisturbed(self, server: Trial) -> dict[str, Any]:
        """The pixels of the Animate at 480p that nothing happened to."""
        if self._expected is None:
            found, _ = self._followed(server, "animate", self.scale.small_px)
            self._expected = check.pixels(self._folder(server, found))
        return self._expected

    def _done(
        self, server: Trial | None, verb: str, area_px: int, frames: int | None = None
    ) -> dict[str, Any]:
        assert server is not None
        found, output = self._followed(server, verb, area_px, frames=frames)
        assert found.job.state == SUCCEEDED, found.facts
        run = server.last_runs(found)[-1]
        size = found.job.plan.model_size
        length = frames or self.footage.frames
        result = check.delivered(output, self.footage.clip, length, keeps_colour=verb == "replace")
        return {
            **found.facts,
            "model_size": [size.width, size.height],
            "frame_s": _first_frame_s(server, found),
            **record.figures(run),
            "result": result,
            "pixels": check.pixels(self._folder(server, found)),
        }

    def _followed(
        self,
        server: Trial,
        verb: str,
        area_px: int,
        heard: Callable[[job_pb2.JobEvent], bool] = lambda _: False,
        frames: int | None = None,
    ) -> tuple[Followed, Path]:
        found = self._create(server, verb, area_px, frames)
        return server.follow(found, heard), self._output

    def _create(self, server: Trial, verb: str, area_px: int, frames: int | None) -> Followed:
        self._output = self.work / f"{verb}-{next(self._numbers)}.mp4"
        swap = Swap(
            clip=self.footage.clip,
            character=self.footage.character,
            output=self._output,
            passes={name: path for name, path in find_passes(self.footage.passes).items()
                    if verb == "replace" or name != "matte"},
            frames=f"0:{frames}" if frames else None,
            steps=self.scale.steps,
            seed=SEED,
            work_area_px=area_px,
            codec=CodecName.H264,
            overwrite=True,
        )  # fmt: skip
        make = replace_spec if verb == "replace" else animate_spec
        return server.create(make(server.client, swap), f"{verb} {area_px}")

    def _folder(self, server: Trial, found: Followed) -> Path:
        return server.home / found.job.name


def _first_frame_s(server: Trial, found: Followed) -> float:
    """Of a frame of a finished result, as a client that scrubs asks for it."""
    began = time.monotonic()
    server.client.frame(found.job.name, 0, max_edge_px=640)
    return round(time.monotonic() - began, 3)


@contextmanager
def _no_longer_than(seconds: int) -> Iterator[None]:
    def end(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _machine(work: Path) -> dict[str, Any]:
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    disk = shutil.disk_usage(work)
    return {"device": card, "torch": torch.__version__, "free_disk_gb": disk.free / 1e9}


if __name__ == "__main__":
    main()
