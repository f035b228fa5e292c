"""One request that is good, at least, for every RPC, made anew at each asking: some can be granted only once."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from google.protobuf.message import Message

from tests.server.conftest import animate_spec
from tests.server.support.process import Api
from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from tests.support.waiting import wait_until
from understudy_api.v1 import (
    analysis_pb2,
    job_pb2,
    media_pb2,
    model_pb2,
    result_pb2,
    server_pb2,
    take_pb2,
    types_pb2,
)

Sample: TypeAlias = Callable[[], Sequence[Message]]
SUCCEEDED = job_pb2.JOB_STATE_SUCCEEDED


@dataclass
class Shop:
    """What requests name: two takes of one shot, and jobs and files that are made when they are asked for."""

    api: Api

    def __post_init__(self) -> None:
        self.take = self._finished(seed=1)
        self.other_take = self._finished(seed=2)
        self.analysis = self._analysed()

    def _finished(self, seed: int) -> job_pb2.Job:
        job = self.api.finish(self.api.create(posed_animate_spec(self.api, seed)).name)
        assert job.state == SUCCEEDED, job.error
        return job

    def _analysed(self) -> str:
        """Of somebody, 2 frames of 64 pixels."""
        [footage] = [root.path for root in self.api.info().roots if root.id == "footage"]
        write_movie(Path(footage) / "person.mkv", plate_of(studio_clip(ALONE, 6, 64))[:2])
        name = self.analysis_of(0, 2)
        for change in self.api.stream(
            self.api.analyses.WatchAnalysis, analysis_pb2.WatchAnalysisRequest(name=name)
        ):
            state = change.analysis.state
        assert state == analysis_pb2.ANALYSIS_STATE_SUCCEEDED
        return name

    def analysis_of(self, start: int, end: int) -> str:
        spec = analysis_pb2.AnalysisSpec(clip=self.api.link("person.mkv").name)
        spec.range.start, spec.range.end = start, end
        request = analysis_pb2.CreateAnalysisRequest(spec=spec)
        return self.api.call(self.api.analyses.CreateAnalysis, request).analysis.name

    def paused(self) -> str:
        name = self.api.create(animate_spec(self.api)).name
        self.api.call(self.api.jobs.PauseJob, job_pb2.PauseJobRequest(name=name))
        wait_until(lambda: self.api.job(name).state == job_pb2.JOB_STATE_PAUSED)
        return name

    def waiting(self) -> str:
        return self.api.create(animate_spec(self.api)).name

    def cancelled(self) -> str:
        name = self.paused()
        self.api.cancel(name)
        return name

    def uploaded(self) -> str:
        [header, chunk] = picture()
        upload = self.api.media.UploadMedia(iter([header, chunk]), metadata=self.api.metadata, timeout=30)
        name: str = upload.media.name
        return name


def picture() -> list[media_pb2.UploadMediaRequest]:
    """The upload of a small picture that no one has sent before: a header and a chunk."""
    import cv2
    import numpy as np

    pixels = np.frombuffer(uuid.uuid4().bytes * 12, np.uint8).reshape(8, 8, 3)
    data = cv2.imencode(".png", pixels)[1].tobytes()
    content = media_pb2.ContentId(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    header = media_pb2.UploadHeader(
        content=content, display_name="small.png", kind=media_pb2.MEDIA_KIND_IMAGE
    )
    chunk = media_pb2.UploadChunk(offset=0, data=data, crc32=zlib.crc32(data))
    return [media_pb2.UploadMediaRequest(header=header), media_pb2.UploadMediaRequest(chunk=chunk)]


def samples(shop: Shop) -> dict[str, list[Sample]]:
    """By the RPC's name."""
    take, other = shop.take.name, shop.other_take.name
    clip = types_pb2.RootedPath(root_id="footage", relative_path="clip.mkv")
    unknown = media_pb2.ContentId(sha256="0" * 64, size_bytes=7)

    def create(spec: job_pb2.JobSpec) -> Message:
        return job_pb2.CreateJobRequest(request_id=str(uuid.uuid4()), spec=spec, labels={"by": "contract"})

    def export() -> Message:
        path = types_pb2.RootedPath(root_id="footage", relative_path=f"out-{uuid.uuid4().hex}.mkv")
        delivery = job_pb2.Delivery(path=path, codec=job_pb2.DELIVERY_CODEC_FFV1)
        return result_pb2.ExportResultRequest(job=take, delivery=delivery)

    def update() -> Message:
        request = job_pb2.UpdateJobRequest(name=shop.waiting(), priority=3)
        request.update_mask.paths.append("priority")
        return request

    specs = [posed_animate_spec(shop.api), replace_spec(shop.api), retake_spec(take)]
    ranged = types_pb2.FrameRange(start=0, end=2)
    single: dict[str, list[Callable[[], Message]]] = {
        "GetServerInfo": [server_pb2.GetServerInfoRequest],
        "WatchServer": [server_pb2.WatchServerRequest],
        "ListModels": [model_pb2.ListModelsRequest],
        "LinkMedia": [lambda: media_pb2.LinkMediaRequest(path=clip, kind=media_pb2.MEDIA_KIND_VIDEO)],
        "CheckMedia": [lambda: media_pb2.CheckMediaRequest(contents=[unknown])],
        "GetMedia": [lambda: media_pb2.GetMediaRequest(name=shop.take.spec.animate.clip)],
        "ListMedia": [lambda: media_pb2.ListMediaRequest(page_size=2)],
        "DeleteMedia": [lambda: media_pb2.DeleteMediaRequest(name=shop.uploaded())],
        "DownloadMedia": [
            lambda: media_pb2.DownloadMediaRequest(media=shop.take.spec.animate.clip),
            lambda: media_pb2.DownloadMediaRequest(output=shop.take.outputs[0].path, offset=5),
        ],
        "CreateJob": [lambda spec=spec: create(spec) for spec in specs],  # type: ignore[misc]
        "EstimateJob": [lambda spec=spec: job_pb2.EstimateJobRequest(spec=spec) for spec in specs],  # type: ignore[misc]
        "GetJob": [lambda: job_pb2.GetJobRequest(name=take)],
        "ListJobs": [lambda: job_pb2.ListJobsRequest(page_size=2, states=[SUCCEEDED])],
        "CancelJob": [lambda: job_pb2.CancelJobRequest(name=take)],
        "UpdateJob": [update],
        "PauseJob": [lambda: job_pb2.PauseJobRequest(name=shop.waiting())],
        "ResumeJob": [lambda: job_pb2.ResumeJobRequest(name=shop.paused())],
        "RetryJob": [lambda: job_pb2.RetryJobRequest(name=shop.cancelled())],
        "DeleteJob": [lambda: job_pb2.DeleteJobRequest(name=shop.cancelled())],
        "WatchJobs": [job_pb2.WatchJobsRequest],
        "WatchJob": [lambda: job_pb2.WatchJobRequest(name=take, after_sequence=1)],
        "ListSegments": [lambda: result_pb2.ListSegmentsRequest(job=take)],
        "StreamFrames": [lambda: result_pb2.StreamFramesRequest(job=take, range=ranged)],
        "GetFrame": [lambda: result_pb2.GetFrameRequest(job=take, frame=1)],
        "ExportResult": [export],
        "GetManifest": [lambda: result_pb2.GetManifestRequest(job=take)],
        "ListShots": [lambda: take_pb2.ListShotsRequest(shot=shop.take.shot)],
        "PromoteTake": [lambda: take_pb2.PromoteTakeRequest(job=take)],
        "CompareTakes": [lambda: take_pb2.CompareTakesRequest(job_a=take, job_b=other)],
        "DrainServer": [server_pb2.DrainServerRequest],
        **analysis_samples(shop),
    }
    made: dict[str, list[Sample]] = {
        name: [lambda make=make: [make()] for make in makers]  # type: ignore[misc]
        for name, makers in single.items()
    }
    return {**made, "UploadMedia": [picture]}


def analysis_samples(shop: Shop) -> dict[str, list[Callable[[], Message]]]:
    name = shop.analysis
    spec = analysis_pb2.AnalysisSpec(clip=shop.api.link("person.mkv").name)
    update = analysis_pb2.UpdateAnalysisRequest(name=name, fade_frames=3)
    update.set_corrections.add(frame=1, point="nose", x=3, y=4)
    update.remove_corrections.add(frame=0, point="9")
    points = [analysis_pb2.Point(x=1, y=2, score=1)] * 133
    update.set_points.add(frame=1, points=points)
    update.set_mattes.add(frame=0, png=grey_png(64))
    update.remove_points.append(0)
    update.remove_mattes.append(1)
    ranged = types_pb2.FrameRange(start=1, end=2)
    pictures = [value for value in analysis_pb2.AnalysisPicture.values() if value]
    return {
        "CreateAnalysis": [lambda: analysis_pb2.CreateAnalysisRequest(spec=spec)],
        "GetAnalysis": [lambda: analysis_pb2.GetAnalysisRequest(name=name)],
        "ListAnalyses": [lambda: analysis_pb2.ListAnalysesRequest(page_size=2)],
        "UpdateAnalysis": [lambda: update],
        "CancelAnalysis": [lambda: analysis_pb2.CancelAnalysisRequest(name=name)],
        "DeleteAnalysis": [lambda: analysis_pb2.DeleteAnalysisRequest(name=shop.analysis_of(1, 2))],
        "WatchAnalysis": [lambda: analysis_pb2.WatchAnalysisRequest(name=name)],
        "ListPeople": [lambda: analysis_pb2.ListPeopleRequest(name=name, page_size=1)],
        "GetPoints": [lambda: analysis_pb2.GetPointsRequest(name=name, range=ranged)],
        "GetAnalysisPicture": [
            lambda picture=picture: analysis_pb2.GetAnalysisPictureRequest(
                name=name, picture=picture, frame=1
            )  # type: ignore[misc]
            for picture in pictures
        ],
    }


def grey_png(size: int, value: int = 255) -> bytes:
    import cv2
    import numpy as np

    png: bytes = cv2.imencode(".png", np.full((size, size), value, np.uint8))[1].tobytes()
    return png


def posed_animate_spec(api: Api, seed: int = 0) -> job_pb2.JobSpec:
    spec = animate_spec(api, seed)
    spec.animate.passes.Clear()
    spec.animate.passes.pose = spec.animate.clip
    return spec


def replace_spec(api: Api) -> job_pb2.JobSpec:
    work = job_pb2.ReplaceSpec(clip=api.link("clip.mkv").name, character=api.link("hero.png").name)
    work.passes.pose = work.clip
    work.passes.matte = work.clip
    work.roles.add(character=work.character, passes=work.passes)
    work.sampling.four_step, work.sampling.four_step_strength = True, 0.5
    work.sampling.loras.add(name="of nobody", strength=0)
    return job_pb2.JobSpec(replace=work)


def retake_spec(take: str) -> job_pb2.JobSpec:
    return job_pb2.JobSpec(
        retake=job_pb2.RetakeSpec(job=take, span=types_pb2.FrameRange(start=5, end=9), blend_frames=0)
    )
