"""The client's calls about analyses: make, follow, look at, put right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from . import channel
from .connection import Connection
from .errors import JobCancelled
from .following import ANALYSIS_ENDED, AnalysisFollow
from .status import job_error
from .stream import Stream
from .v1 import analysis_pb2, job_pb2, result_pb2

PointOfFrame = tuple[int, str]


class AnalysisCalls(Connection):
    def create_analysis(
        self,
        clip: str,
        *,
        range: tuple[int, int] | None = None,
        person: job_pb2.PersonChoice | None = None,
        matte: bool = True,
        reference_bgr: bool = False,
    ) -> analysis_pb2.Analysis:
        """The analysis of *clip*, a media asset's name, with these settings: a new one, or the one that there is.

        Args:
            range: the first frame and the one behind the last; None = all.
            person: whom of several; None = who takes up most of each shot.
            matte: False finds points and face alone.
        """
        spec = analysis_pb2.AnalysisSpec(
            clip=clip, person=person, no_matte=not matte, reference_bgr=reference_bgr
        )
        if range is not None:
            spec.range.start, spec.range.end = range
        request = analysis_pb2.CreateAnalysisRequest(spec=spec)
        return self._call(lambda stubs: stubs.analyses.CreateAnalysis, request).analysis

    def analysis(self, name: str) -> analysis_pb2.Analysis:
        """Raises NotFound if the server knows no such analysis."""
        request = analysis_pb2.GetAnalysisRequest(name=name)
        return self._call(lambda stubs: stubs.analyses.GetAnalysis, request).analysis

    def analyses(self) -> Iterator[analysis_pb2.Analysis]:
        """All of them, newest first, fetched page by page; without edits."""
        request = analysis_pb2.ListAnalysesRequest()
        while True:
            page = self._call(lambda stubs: stubs.analyses.ListAnalyses, request)
            yield from page.analyses
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def cancel_analysis(self, name: str) -> analysis_pb2.Analysis:
        """Stops an analysis at once. One that has ended stays as it is."""
        request = analysis_pb2.CancelAnalysisRequest(name=name)
        return self._call(lambda stubs: stubs.analyses.CancelAnalysis, request).analysis

    def delete_analysis(self, name: str) -> None:
        """Forgets an analysis with all that was put right in it.

        Raises Conflict while a job that has not ended needs its passes.
        """
        request = analysis_pb2.DeleteAnalysisRequest(name=name)
        self._call(lambda stubs: stubs.analyses.DeleteAnalysis, request)

    # ---- Following ---------------------------------------------------------------------------------------

    def watch_analysis(self, name: str) -> Stream[analysis_pb2.Analysis]:
        """The analysis, and again whenever it has changed, until it has ended; without edits.

        Goes on by itself after a restart of the server. Heartbeats are not given.
        """
        opened = self._open(lambda stubs: stubs.analyses.WatchAnalysis)
        return self._stream(AnalysisFollow(opened, self.analysis, name), beats=True)

    def wait_for_analysis(self, name: str) -> analysis_pb2.Analysis:
        """The analysis, once it has succeeded.

        Raises:
            JobFailed: it failed; the reason says why. JobCancelled: it was cancelled.
        """
        with self.watch_analysis(name) as changes:
            for _ in changes:
                pass
        analysis = self.analysis(name)
        if analysis.state == analysis_pb2.ANALYSIS_STATE_SUCCEEDED:
            return analysis
        if analysis.state == analysis_pb2.ANALYSIS_STATE_CANCELLED:
            raise JobCancelled(f"{name} was cancelled.", metadata={"analysis": name})
        assert analysis.state in ANALYSIS_ENDED, f"{name} has not ended"
        raise job_error(analysis.error)

    # ---- Looking -----------------------------------------------------------------------------------------

    def people(self, name: str) -> Iterator[analysis_pb2.Person]:
        """Everybody in the clip, who takes up most of it first, fetched page by page.

        Raises Conflict while that is not known.
        """
        request = analysis_pb2.ListPeopleRequest(name=name)
        while True:
            page = self._call(lambda stubs: stubs.analyses.ListPeople, request)
            yield from page.people
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def points(self, name: str, range: tuple[int, int] | None = None) -> list[analysis_pb2.FoundFrame]:
        """Points and face of at most 256 frames of the clip, the first ones if *range* names none."""
        request = analysis_pb2.GetPointsRequest(name=name)
        if range is not None:
            request.range.start, request.range.end = range
        answer = self._call(lambda stubs: stubs.analyses.GetPoints, request, channel.FRAME_DEADLINE_S)
        return list(answer.frames)

    def analysis_picture(
        self,
        name: str,
        picture: analysis_pb2.AnalysisPicture.ValueType = analysis_pb2.ANALYSIS_PICTURE_CONTACT_SHEET,
        frame: int = 0,
        *,
        encoding: result_pb2.FrameEncoding.ValueType = result_pb2.FRAME_ENCODING_PNG,
        max_edge_px: int = 0,
        matte: job_pb2.MatteOptions | None = None,
        work_area_px: int | None = None,
    ) -> analysis_pb2.GetAnalysisPictureResponse:
        """The contact sheet; or matte, skeleton, or the matte's edges of a *frame* of the clip.

        *matte* and *work_area_px*, for the edges: as a job would have them.

        A picture of more than a chunk's bytes is refused (InvalidRequest) with the edge that would fit.
        """
        request = analysis_pb2.GetAnalysisPictureRequest(
            name=name,
            picture=picture,
            frame=frame,
            encoding=encoding,
            max_edge_px=max_edge_px,
            matte=matte,
            work_area_px=work_area_px,
        )
        deadline_s = channel.FRAME_DEADLINE_S
        return self._call(lambda stubs: stubs.analyses.GetAnalysisPicture, request, deadline_s)

    # ---- Putting right -----------------------------------------------------------------------------------

    def correct(
        self,
        name: str,
        corrections: Mapping[PointOfFrame, tuple[float, float]] | None = None,
        *,
        remove: Iterable[PointOfFrame] = (),
        fade_frames: int | None = None,
    ) -> analysis_pb2.Analysis:
        """Sets *corrections*, places in pixels by frame of the clip and point, and takes back others."""
        request = analysis_pb2.UpdateAnalysisRequest(name=name, fade_frames=fade_frames)
        for (frame, point), (x, y) in (corrections or {}).items():
            request.set_corrections.add(frame=frame, point=point, x=x, y=y)
        for frame, point in remove:
            request.remove_corrections.add(frame=frame, point=point)
        return self.update_analysis(request)

    def update_analysis(self, request: analysis_pb2.UpdateAnalysisRequest) -> analysis_pb2.Analysis:
        """Changes what *request* names; what depends on it is made again."""
        return self._call(lambda stubs: stubs.analyses.UpdateAnalysis, request).analysis


def passes_of(analysis: analysis_pb2.Analysis) -> job_pb2.PassInputs:
    """The passes of *analysis* for a job of the same clip and range."""
    made = analysis.passes
    return job_pb2.PassInputs(keypoints=made.keypoints, face_boxes=made.face_boxes, matte=made.matte)
