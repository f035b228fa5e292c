"""The client's calls about what jobs have made: frames, exports, manifests, takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import channel
from .following import CompareFollow, ExportFollow, Frame, FramesFollow
from .job_calls import JobCalls
from .server_calls import ServerCalls
from .stream import Stream
from .v1 import job_pb2, result_pb2, take_pb2, types_pb2


class ResultCalls(JobCalls, ServerCalls):
    def segments(self, name: str) -> list[result_pb2.Segment]:
        """The segments of a job in order; none before it is planned."""
        request = result_pb2.ListSegmentsRequest(job=name)
        return list(self._call(lambda stubs: stubs.results.ListSegments, request).segments)

    def frames(
        self,
        name: str,
        *,
        layer: result_pb2.Layer.ValueType = result_pb2.LAYER_RESULT,
        range: tuple[int, int] | None = None,
        encoding: result_pb2.FrameEncoding.ValueType = result_pb2.FRAME_ENCODING_PNG,
        max_edge_px: int = 0,
        follow: bool = True,
        role: int = 0,
    ) -> Stream[Frame]:
        """Frames of a result in order, each whole; None is given twice or left out.

        Args:
            range: the first frame and the one behind the last, from the start of the job's range; None = all.
            max_edge_px: frames with a longer side are shrunk to it; 0 = never.
            follow: wait for frames that are still to be made. If the job fails, its error is raised.
            role: whose layer, in a job of several roles.
        """
        request = result_pb2.StreamFramesRequest(
            job=name, layer=layer, encoding=encoding, max_edge_px=max_edge_px, follow=follow, role=role
        )
        if range is not None:
            request.range.start, request.range.end = range
        opened = self._open(lambda stubs: stubs.results.StreamFrames)
        return self._stream(FramesFollow(opened, self.job, request))

    def frame(
        self,
        name: str,
        index: int,
        *,
        layer: result_pb2.Layer.ValueType = result_pb2.LAYER_RESULT,
        encoding: result_pb2.FrameEncoding.ValueType = result_pb2.FRAME_ENCODING_PNG,
        max_edge_px: int = 0,
        role: int = 0,
    ) -> Frame:
        """Frame *index*, counted from the start of the job's range: for scrubbing.

        A frame of more than a chunk's bytes is refused (InvalidRequest); `frames` has no such limit.
        """
        request = result_pb2.GetFrameRequest(
            job=name, layer=layer, frame=index, encoding=encoding, max_edge_px=max_edge_px, role=role
        )
        answer = self._call(lambda stubs: stubs.results.GetFrame, request, channel.FRAME_DEADLINE_S)
        return Frame(index, answer.header, answer.data)

    def export(
        self,
        name: str,
        path: types_pb2.RootedPath,
        codec: job_pb2.DeliveryCodec.ValueType,
        *,
        layer: result_pb2.Layer.ValueType = result_pb2.LAYER_RESULT,
        role: int = 0,
        overwrite: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> job_pb2.OutputFile:
        """Has the server write a layer of a job that has succeeded, read it back and check it.

        Args:
            path: a file, or a folder for a sequence, under a writable root: see `rooted`.
            role: whose layer, in a job of several roles.
            progress: told the done fraction, 0 to 1, now and then.

        Raises:
            AlreadyExists: *path* is there, and may not be overwritten. Conflict: the job has not succeeded.
        """
        delivery = job_pb2.Delivery(path=path, codec=codec, overwrite=overwrite)
        request = result_pb2.ExportResultRequest(job=name, layer=layer, role=role, delivery=delivery)
        follow = ExportFollow(self._open(lambda stubs: stubs.results.ExportResult), request)
        with self._stream(follow) as messages:
            for message in messages:
                if progress is not None:
                    progress(message.fraction)
        return follow.output

    def manifest(self, name: str) -> str:
        """How a result came about, as JSON: what `understudy replay` takes."""
        request = result_pb2.GetManifestRequest(job=name)
        return self._call(lambda stubs: stubs.results.GetManifest, request).json

    # ---- Takes -------------------------------------------------------------------------------------------

    def shots(self, shot: str = "") -> Iterator[take_pb2.Shot]:
        """Shots with their takes, newest first, fetched page by page; or *shot* alone."""
        request = take_pb2.ListShotsRequest(shot=shot)
        while True:
            page = self._call(lambda stubs: stubs.takes.ListShots, request)
            yield from page.shots
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def promote(self, name: str) -> job_pb2.Job:
        """Makes a take its shot's chosen one. Raises Conflict if it has not succeeded."""
        return self._call(lambda stubs: stubs.takes.PromoteTake, take_pb2.PromoteTakeRequest(job=name)).job

    def compare(
        self, a: str, b: str, *, layer: result_pb2.Layer.ValueType = result_pb2.LAYER_RESULT, role: int = 0
    ) -> Stream[take_pb2.CompareTakesResponse]:
        """How much two takes of a shot differ, frame by frame in order, as they are compared."""
        request = take_pb2.CompareTakesRequest(job_a=a, job_b=b, layer=layer, role=role)
        return self._stream(CompareFollow(self._open(lambda stubs: stubs.takes.CompareTakes), request))
