"""Jobs on a real server: handed in, found again, followed, cancelled, delivered as files that Resolve can read."""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.plugins.blender.support.footage import FRAMES, RATE
from tests.plugins.blender.support.invert_engine import FAILING_SEED
from tests.server.support.process import Server
from understudy_api import starting
from understudy_api.client import Client
from understudy_api.errors import JobCancelled, JobFailed, MediaRefused, NotFound, ServerAway, Unsupported
from understudy_api.v1 import job_pb2, model_pb2, server_pb2
from understudy_davinci.frames import SourceSpan
from understudy_davinci.jobs import server as finding
from understudy_davinci.jobs import server_jobs
from understudy_davinci.jobs.server_jobs import UID_LABEL, ServerJobs
from understudy_davinci.jobs.specs import build_spec
from understudy_davinci.shot import Footage, Mode, Note, Order, Progress

Ordered = Callable[..., Order]


class Told(list[Note | Progress]):
    """What was told, in order."""

    @property
    def words(self) -> str:
        return "|".join(each.text if isinstance(each, Note) else each.stage for each in self)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def jobs(server: Server, told: Told) -> Iterator[ServerJobs]:
    connect = functools.partial(finding.connect, folder=server.home, command=())
    jobs = ServerJobs(connect, told.append)
    yield jobs
    jobs.close()


@pytest.fixture(scope="module")
def ordered(server: Server) -> Ordered:
    def order(clip: str = "clip.mkv", span: tuple[int, int] = (2, 14), **changed: Any) -> Order:
        given: dict[str, Any] = {
            "uid": str(uuid.uuid4()),
            "title": "clip, hero",
            "mode": Mode.REPLACE,
            "clip": Footage(path=server.footage / clip, span=SourceSpan(*span)),
            "character": server.footage / "hero.png",
            "matte": server.footage / "matte.png",
            "quality": "preview",
        }
        return Order(**(given | changed))

    return order


def always() -> bool:
    return True


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgba64le") for frame in file.decode(video=0)]


@dataclass(frozen=True)
class Finished:
    """A job that has succeeded, and what was told of it."""

    job: str
    order: Order
    told: Told


@pytest.fixture(scope="module")
def finished(server: Server, ordered: Ordered) -> Finished:
    told = Told()
    jobs = ServerJobs(functools.partial(finding.connect, folder=server.home, command=()), told.append)
    order = ordered(layers=("character", "matte"))
    job = jobs.submit(order)
    jobs.follow(job, told.append, always)
    jobs.close()
    return Finished(job, order, told)


def test_a_result_and_its_layers_come_as_movies_in_sync(
    jobs: ServerJobs, finished: Finished, footage: Path
) -> None:
    made = jobs.deliver(finished.job, finished.order.layers, footage / "shots" / "12", "boxer")
    assert made.result == footage / "shots" / "12" / "boxer.mov"
    assert set(made.layers) == {"character", "matte"}
    shown = pictures(made.result)
    assert len(shown) == 12
    for number, picture in enumerate(shown, start=2):  # frame k of the clip is grey 10 k, here inverted
        assert abs(picture[40, 40, 0] / 257 - (255 - 10 * number)) < 3
    with av.open(str(made.result)) as file:
        assert file.streams.video[0].average_rate == RATE
        assert file.streams.video[0].codec.name == "prores"
    alpha = pictures(made.layers["character"])[0][..., 3]
    assert (alpha[:, 4] > 65000).all()
    assert (alpha[:, -4] == 0).all()
    written = made.result.stat().st_mtime_ns
    again = jobs.deliver(finished.job, (), footage / "shots" / "12", "boxer")
    assert again.result.stat().st_mtime_ns == written, "what is there is kept"


def test_progress_is_told_from_the_first_part_to_the_last(finished: Finished) -> None:
    fractions = [each.fraction for each in finished.told if isinstance(each, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "part 2 of 3" in finished.told.words


def test_the_same_uid_is_the_same_job_also_after_we_were_killed(
    jobs: ServerJobs, ordered: Ordered, finished: Finished
) -> None:
    """*jobs* is another connection than the one that handed it in."""
    assert jobs.find(finished.order.uid) == finished.job
    assert jobs.submit(finished.order) == finished.job
    assert jobs.find(ordered().uid) is None


def test_results_can_go_to_folders_that_the_server_does_not_share(
    jobs: ServerJobs, finished: Finished, footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary folder is always shared; here the footage's stands for it."""
    monkeypatch.setattr("tempfile.tempdir", str(footage))
    made = jobs.deliver(finished.job, (), tmp_path / "elsewhere", "boxer")
    assert len(pictures(made.result)) == 12
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["boxer.mov"]
    assert not list(footage.glob("understudy_*"))


def test_a_job_that_is_not_wanted_any_more_is_cancelled(
    jobs: ServerJobs, ordered: Ordered, told: Told
) -> None:
    order = ordered(span=(0, FRAMES), quality="best")
    job = jobs.submit(order)
    cancelled = threading.Event()

    def hear(message: Note | Progress) -> None:
        told.append(message)
        if isinstance(message, Progress) and message.fraction > 0:
            cancelled.set()

    with pytest.raises(JobCancelled):
        jobs.follow(job, hear, lambda: not cancelled.is_set())
    assert jobs.submit(order) == job, "it goes on where it was"
    jobs.cancel(job)


def test_a_job_that_fails_says_why(jobs: ServerJobs, ordered: Ordered, told: Told) -> None:
    job = jobs.submit(ordered(seed=FAILING_SEED))
    with pytest.raises(JobFailed, match="Segment 2 came out as 12 values that are no numbers"):
        jobs.follow(job, told.append, always)


def test_a_file_that_is_no_movie_is_refused_before_a_job_is_made(jobs: ServerJobs, ordered: Ordered) -> None:
    order = ordered("words.mov")
    with pytest.raises(MediaRefused):
        jobs.submit(order)
    assert jobs.find(order.uid) is None


def test_a_clip_is_counted_by_the_server(jobs: ServerJobs, server: Server) -> None:
    found = jobs.probe(server.footage / "clip30.mkv")
    assert (found.frames, found.rate, found.width, found.height) == (FRAMES, Fraction(30), 64, 48)


def test_an_estimate_hands_nothing_in(jobs: ServerJobs, ordered: Ordered, server: Server) -> None:
    order = ordered()
    estimate = jobs.estimate(order)
    assert (estimate.trouble, estimate.memory_bytes > 0) == ("", True)
    assert jobs.find(order.uid) is None
    beyond = jobs.estimate(ordered(span=(0, 1000)))
    assert "has frames 0 to 23" in beyond.trouble


def test_what_the_artist_chose_is_what_the_server_is_told(jobs: ServerJobs, ordered: Ordered) -> None:
    client = jobs._client
    replaced = build_spec(client, ordered(people=("B",), seed=5, relight_strength=0.25), None).replace
    assert (replaced.range.start, replaced.range.end) == (2, 14)
    assert list(replaced.pose.person.names) == ["B"]
    assert (replaced.sampling.seed, replaced.relight_strength) == (5, 0.25)
    assert replaced.passes.matte.startswith("media/")
    usual = build_spec(client, ordered(quality="standard"), None).replace
    assert not usual.HasField("relight_strength")
    assert not usual.prompt
    bent = build_spec(client, ordered(four_step_strength=0.7, loras=(("film", 0.5),)), None).replace.sampling
    assert [(lora.name, lora.strength) for lora in bent.loras] == [("film", 0.5)]
    assert not usual.sampling.loras
    assert not usual.sampling.HasField("steps")
    animated = build_spec(client, ordered(mode=Mode.ANIMATE, prompt="rain"), None)
    assert animated.WhichOneof("work") == "animate"
    assert animated.animate.prompt == "rain"
    assert not animated.animate.HasField("passes")


def test_a_lora_that_is_not_there_is_told_by_its_name(jobs: ServerJobs, ordered: Ordered) -> None:
    assert "There is no LoRA 'film' here." in jobs.estimate(ordered(loras=(("film", 0.5),))).trouble


def test_a_server_that_knows_no_prompts_is_told_none(
    jobs: ServerJobs, ordered: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs._client, "info", server_pb2.GetServerInfoResponse)
    with pytest.raises(Unsupported, match=r"knows no prompts\. Update it, or leave the prompt out"):
        jobs.submit(ordered(prompt="rain"))


# ---- The server ------------------------------------------------------------------------------------------


def test_no_server_is_said_with_what_to_do(tmp_path: Path, told: Told, ordered: Ordered) -> None:
    jobs = ServerJobs(functools.partial(finding.connect, folder=tmp_path, command=()), told.append)
    with pytest.raises(ServerAway, match="Start one with: understudy serve"):
        jobs.submit(ordered())
    assert "understudy serve" in jobs.estimate(ordered()).trouble


def test_a_server_that_ends_at_once_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "GRACE_S", 0.0)  # no other one is started beside it
    with pytest.raises(ServerAway, match=r"did not start.*exit code 3"):
        finding.connect(
            lambda text: None, folder=tmp_path, command=(finding.COMMAND[0], "-c", "raise SystemExit(3)")
        )


@pytest.mark.parametrize(("mine", "said"), [("1.0.0", "too old"), ("0.2.0", "")])
def test_a_server_of_another_version(
    server: Server, monkeypatch: pytest.MonkeyPatch, mine: str, said: str
) -> None:
    monkeypatch.setattr(finding, "VERSION", mine)
    heard: list[str] = []
    if said:
        with pytest.raises(Unsupported, match=rf"{said} for this plugin .*Update the server"):
            finding.connect(heard.append, folder=server.home, command=())
    else:
        finding.connect(heard.append, folder=server.home, command=()).close()
        assert heard == ["The server (0.1.0) is older than this plugin (0.2.0). Update it to use everything."]


def test_a_model_that_is_not_installed_is_said_before_anything_is_sent() -> None:
    class Client:
        def models(self) -> list[model_pb2.Model]:
            return [model_pb2.Model(title="Wan2.2-Animate", is_default=True)]

    with pytest.raises(
        NotFound, match=r"Wan2\.2-Animate is not installed\. See what is with understudy models"
    ):
        finding.served_model(Client())  # type: ignore[arg-type]


def test_jobs_carry_their_uid_as_a_label(jobs: ServerJobs, ordered: Ordered) -> None:
    order = ordered()
    job = jobs._client.job(jobs.submit(order))
    assert job.labels[UID_LABEL] == order.uid
    assert job.display_name == "clip, hero"
    assert job.state != job_pb2.JOB_STATE_FAILED
    jobs.cancel(job.name)


def test_a_server_that_goes_away_is_found_again_and_the_job_goes_on(
    server: Server, ordered: Ordered, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the job itself goes on with the same pixels is the server's own claim."""
    monkeypatch.setattr(server_jobs, "AWAY_PAUSE_S", 0.0)
    connected: list[Client] = []

    def away(*_: Any, **__: Any) -> Any:
        raise ServerAway("The Understudy server does not answer.")

    def connect(say: Callable[[str], None]) -> Client:
        connected.append(finding.connect(say, folder=server.home, command=()))
        if len(connected) == 1:
            monkeypatch.setattr(connected[0], "watch", away)
        return connected[-1]

    jobs = ServerJobs(connect, told.append)
    jobs.follow(jobs.submit(ordered(span=(0, 3))), told.append, always)
    assert len(connected) == 2
    assert "does not answer. The job goes on when the server is back." in told.words
    jobs.close()


def test_while_the_server_is_away_the_artist_can_leave(
    jobs: ServerJobs, ordered: Ordered, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.submit(ordered())

    def away(*_: Any) -> Any:
        raise ServerAway("The Understudy server does not answer.")

    monkeypatch.setattr(jobs._client, "job", away)
    with pytest.raises(ServerAway):
        jobs.follow(job, told.append, lambda: False)
    jobs.close()
    jobs.cancel(job)
