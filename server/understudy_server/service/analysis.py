"""AnalysisService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy_api.v1 import analysis_pb2, analysis_pb2_grpc, job_pb2
from understudy_engine.analysis.edge_band import EdgeBand
from understudy_engine.analysis.files import MATTE_FILE
from understudy_engine.media.isolated import isolated
from understudy_engine.media.rgb import RgbSource
from understudy_engine.model.configs import model_spec
from understudy_engine.types import FrameRange

from ..analysis import answers, fields
from ..analysis.asking import content_of, frames_of, refuse_outside, unfinished, whole_spec
from ..analysis.edits import check_update
from ..analysis.queue import AnalysisQueue
from ..bulletin import Bulletin
from ..convert import matte_options
from ..ending import Ending
from ..errors import Draining, LayerNotMade
from ..frames import EncodedFrame, fitting, pixels_of
from ..media import MediaLinker
from ..open_clips import OpenClips
from ..settings import Settings
from ..storage import DataFolder, new_analysis_name
from ..store import AnalysisStore
from ..store.analyses import ENDED
from ..store.edits import now
from ..validate import check

PAGE_SIZE, LARGEST_PAGE = 100, 1000
PEOPLE_AT_ONCE = 16
WATCH_PAUSE_S = 0.1  # between two tellings: what changes more often is told as it then is
THREADS = 2
MATTE, SKELETON = analysis_pb2.ANALYSIS_PICTURE_MATTE, analysis_pb2.ANALYSIS_PICTURE_SKELETON
EDGES = analysis_pb2.ANALYSIS_PICTURE_EDGE_BAND
OF_A_FRAME = (MATTE, SKELETON, EDGES)


class AnalysisService(analysis_pb2_grpc.AnalysisServiceServicer):
    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        store: AnalysisStore,
        linker: MediaLinker,
        queue: AnalysisQueue,
        bulletin: Bulletin,
        ending: Ending,
    ) -> None:
        self._settings = settings
        self._data = data
        self._store = store
        self._linker = linker
        self._queue = queue
        self._bulletin = bulletin
        self._ending = ending
        self._clips = OpenClips(1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="analysis")

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def CreateAnalysis(  # noqa: N802 - the API's name
        self, request: analysis_pb2.CreateAnalysisRequest, context: Any
    ) -> analysis_pb2.CreateAnalysisResponse:
        check(request, fields.CreateAnalysisFields)
        if self._ending.wished.is_set():
            raise Draining(
                "The server is about to end and takes no new work. Start it again, then try again."
            )
        clip = await self._linker.file(request.spec.clip)
        spec = whole_spec(request.spec, clip.asset)
        limit = self._settings.limits.max_queued_jobs
        new = analysis_pb2.Analysis(name=new_analysis_name(), spec=spec, revision=1, create_time=now())
        analysis = await self._store.create(new, content_of(spec, clip), limit)
        self._queue.wake(analysis.name)
        return analysis_pb2.CreateAnalysisResponse(analysis=await self._queue.get(analysis.name))

    async def GetAnalysis(  # noqa: N802
        self, request: analysis_pb2.GetAnalysisRequest, context: Any
    ) -> analysis_pb2.GetAnalysisResponse:
        check(request, fields.NameFields)
        return analysis_pb2.GetAnalysisResponse(analysis=await self._queue.get(request.name))

    async def ListAnalyses(  # noqa: N802
        self, request: analysis_pb2.ListAnalysesRequest, context: Any
    ) -> analysis_pb2.ListAnalysesResponse:
        check(request, fields.ListAnalysesFields)
        limit = min(request.page_size or PAGE_SIZE, LARGEST_PAGE)
        before = int(request.page_token) if request.page_token else None
        found, more = await self._store.page(limit, before)
        for analysis in found:
            analysis.ClearField("edits")
        token = "" if more is None else str(more)
        return analysis_pb2.ListAnalysesResponse(analyses=found, next_page_token=token)

    async def UpdateAnalysis(  # noqa: N802
        self, request: analysis_pb2.UpdateAnalysisRequest, context: Any
    ) -> analysis_pb2.UpdateAnalysisResponse:
        check(request, fields.UpdateAnalysisFields)
        spec = (await self._store.get(request.name)).spec
        size = (await self._linker.file(spec.clip)).asset.probe.size
        check_update(request, spec, size, self._settings.limits.max_chunk_bytes)
        await self._queue.update(request.name, request)
        return analysis_pb2.UpdateAnalysisResponse(analysis=await self._queue.get(request.name))

    async def CancelAnalysis(  # noqa: N802
        self, request: analysis_pb2.CancelAnalysisRequest, context: Any
    ) -> analysis_pb2.CancelAnalysisResponse:
        check(request, fields.NameFields)
        return analysis_pb2.CancelAnalysisResponse(analysis=await self._queue.cancel(request.name))

    async def DeleteAnalysis(  # noqa: N802
        self, request: analysis_pb2.DeleteAnalysisRequest, context: Any
    ) -> analysis_pb2.DeleteAnalysisResponse:
        check(request, fields.NameFields)
        await self._queue.delete(request.name)
        return analysis_pb2.DeleteAnalysisResponse()

    async def WatchAnalysis(  # noqa: N802
        self, request: analysis_pb2.WatchAnalysisRequest, context: Any
    ) -> AsyncIterator[analysis_pb2.WatchAnalysisResponse]:
        check(request, fields.NameFields)
        while True:
            turn = self._bulletin.turn(request.name)
            analysis = await self._queue.get(request.name)
            analysis.ClearField("edits")
            yield analysis_pb2.WatchAnalysisResponse(analysis=analysis)
            if analysis.state in ENDED:
                return
            await asyncio.sleep(WATCH_PAUSE_S)
            while not await _comes(turn, self._settings.reliability.heartbeat_seconds):
                yield analysis_pb2.WatchAnalysisResponse(heartbeat=job_pb2.Heartbeat())

    async def ListPeople(  # noqa: N802
        self, request: analysis_pb2.ListPeopleRequest, context: Any
    ) -> analysis_pb2.ListPeopleResponse:
        check(request, fields.ListPeopleFields)
        analysis = await self._store.get(request.name)
        folder = self._data.analysis(request.name).people
        if not folder.exists():
            raise unfinished(analysis, "Who is in the clip")
        first, count = int(request.page_token or 0), request.page_size or PEOPLE_AT_ONCE
        limit = self._settings.limits.max_chunk_bytes
        page, more = await self._in_thread(answers.people_in, folder, analysis.chosen, first, count, limit)
        return analysis_pb2.ListPeopleResponse(people=page, next_page_token="" if more is None else str(more))

    async def GetPoints(  # noqa: N802
        self, request: analysis_pb2.GetPointsRequest, context: Any
    ) -> analysis_pb2.GetPointsResponse:
        check(request, fields.GetPointsFields)
        analysis, folder = await self._made(request.name)
        own = frames_of(analysis.spec)
        frames = FrameRange(own.start, min(own.end, own.start + answers.MOST_FRAMES))
        if request.HasField("range"):
            frames = FrameRange(request.range.start, request.range.end)
        refuse_outside(frames, own)
        found = await self._in_thread(lambda: list(answers.points_in(folder, frames, own.start)))
        return analysis_pb2.GetPointsResponse(frames=found)

    async def GetAnalysisPicture(  # noqa: N802
        self, request: analysis_pb2.GetAnalysisPictureRequest, context: Any
    ) -> analysis_pb2.GetAnalysisPictureResponse:
        check(request, fields.GetAnalysisPictureFields)
        analysis, folder = await self._made(request.name)
        own = frames_of(analysis.spec)
        index = request.frame - own.start
        if request.picture in OF_A_FRAME:
            refuse_outside(FrameRange(request.frame, request.frame + 1), own)
        draw: partial[NDArray[np.uint8]] = partial(answers.sheet_in, folder)
        if request.picture == SKELETON:
            size = (await self._linker.file(analysis.spec.clip)).asset.probe.size
            draw = partial(answers.skeleton_in, folder, index, size)
        elif request.picture == MATTE:
            draw = partial(self._matte, analysis, folder, index)
        elif request.picture == EDGES:
            clip = await self._linker.unchanged(analysis.spec.clip)
            draw = partial(self._edges, analysis, folder, clip, request)
        limit = self._settings.limits.max_chunk_bytes

        def encode() -> EncodedFrame:
            return fitting(draw(), request.encoding, request.max_edge_px, limit)

        frame = await self._in_thread(encode)
        return analysis_pb2.GetAnalysisPictureResponse(header=frame.header, data=frame.data)

    def _matte(self, analysis: analysis_pb2.Analysis, folder: Path, index: int) -> NDArray[np.uint8]:
        if not (folder / MATTE_FILE).exists():
            raise LayerNotMade(
                "This analysis was made without a matte. Make one with a matte.", analysis=analysis.name
            )
        return pixels_of(self._clips, folder / MATTE_FILE, index)

    def _edges(
        self,
        analysis: analysis_pb2.Analysis,
        folder: Path,
        clip: Path,
        request: analysis_pb2.GetAnalysisPictureRequest,
    ) -> NDArray[np.uint8]:
        index = request.frame - frames_of(analysis.spec).start
        matte = self._matte(analysis, folder, index)
        area = request.work_area_px or model_spec(self._settings.default_model).sampling.work_area_px
        band = EdgeBand(work_area_px=area, options=matte_options(request.matte))
        with isolated()(clip) as opened:
            rgb = RgbSource(opened).read([request.frame])[0]
        return answers.edges_in(folder, index, rgb, matte, band, request.max_edge_px)

    async def _made(self, name: str) -> tuple[analysis_pb2.Analysis, Path]:
        """With the folder of the revision that is told of. Raises AnalysisUnfinished while there is none."""
        analysis = await self._store.get(name)
        if not analysis.made_revision:
            raise unfinished(analysis, "What it finds")
        return analysis, self._data.analysis(name).made(analysis.made_revision)

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


async def _comes(turn: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await turn.wait()
    except TimeoutError:
        return False
    return True
