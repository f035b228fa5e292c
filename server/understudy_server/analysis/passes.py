"""An analysis's passes as media assets, so that jobs take them as they take any file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from understudy_api.v1 import analysis_pb2, media_pb2
from understudy_engine.analysis.files import FACE_BOXES_FILE, KEYPOINTS_FILE, MATTE_FILE

from ..media import MediaLinker

FIELDS = {KEYPOINTS_FILE: "keypoints", FACE_BOXES_FILE: "face_boxes", MATTE_FILE: "matte"}


async def link_passes(
    linker: MediaLinker, folder: Path, assets: Mapping[str, bytes]
) -> analysis_pb2.AnalysisPasses:
    """Of the files in *folder*, which are the server's own: *assets*, by file, say what was found in each."""
    passes = analysis_pb2.AnalysisPasses()
    for file, asset in assets.items():
        linked = await linker.link_own(folder / file, media_pb2.MediaAsset.FromString(asset))
        setattr(passes, FIELDS[file], linked.name)
    return passes
