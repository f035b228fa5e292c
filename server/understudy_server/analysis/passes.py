"""An analysis's passes as media assets, so that jobs take them as they take any file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from understudy_api.v1 import analysis_pb2, media_pb2
from understudy_engine.analysis.files import FACE_BOXES_FILE, KEYPOINTS_FILE, MATTE_FILE

from ..media import MediaLinker

KEYPOINTS, VIDEO = media_pb2.MEDIA_KIND_KEYPOINTS, media_pb2.MEDIA_KIND_VIDEO


async def link_passes(linker: MediaLinker, folder: Path) -> analysis_pb2.AnalysisPasses:
    """Of the passes in *folder*, each looked into as any other file. Raises what linking them raises."""
    files = {
        "keypoints": (folder / KEYPOINTS_FILE, KEYPOINTS),
        "face_boxes": (folder / FACE_BOXES_FILE, KEYPOINTS),
        "matte": (folder / MATTE_FILE, VIDEO),
    }
    there = {name: file for name, file in files.items() if file[0].exists()}
    assets = await asyncio.gather(*(linker.link_own(path, kind) for path, kind in there.values()))
    return analysis_pb2.AnalysisPasses(
        **{name: asset.name for name, asset in zip(there, assets, strict=True)}
    )
