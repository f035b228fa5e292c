"""What an artist writes on the command line, and what that is to the API: codecs, layers, solvers, labels, ranges."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2, result_pb2


class SolverName(StrEnum):
    UNIPC = "unipc"
    DPMPP = "dpm++"
    EULER = "euler"


class CodecName(StrEnum):
    FFV1 = "ffv1"
    H264 = "h264"
    PRORES = "prores"
    PRORES_4444 = "prores4444"
    DNXHR = "dnxhr"
    PNG = "png"
    EXR = "exr"


class LayerName(StrEnum):
    RESULT = "result"
    CHARACTER = "character"
    MATTE = "matte"
    POSE = "pose"


class KeepName(StrEnum):
    ALL = "all"
    MASTER = "master"
    WEEK = "week"


SOLVERS = {
    SolverName.UNIPC: job_pb2.SOLVER_UNIPC,
    SolverName.DPMPP: job_pb2.SOLVER_DPMPP,
    SolverName.EULER: job_pb2.SOLVER_EULER,
}
CODECS = {
    CodecName.FFV1: job_pb2.DELIVERY_CODEC_FFV1,
    CodecName.H264: job_pb2.DELIVERY_CODEC_H264,
    CodecName.PRORES: job_pb2.DELIVERY_CODEC_PRORES_422_HQ,
    CodecName.PRORES_4444: job_pb2.DELIVERY_CODEC_PRORES_4444,
    CodecName.DNXHR: job_pb2.DELIVERY_CODEC_DNXHR_HQX,
    CodecName.PNG: job_pb2.DELIVERY_CODEC_PNG_SEQUENCE,
    CodecName.EXR: job_pb2.DELIVERY_CODEC_EXR_SEQUENCE,
}
LAYERS = {
    LayerName.RESULT: result_pb2.LAYER_RESULT,
    LayerName.CHARACTER: result_pb2.LAYER_CHARACTER,
    LayerName.MATTE: result_pb2.LAYER_MATTE,
    LayerName.POSE: result_pb2.LAYER_POSE,
}
KEEP = {
    KeepName.ALL: job_pb2.KEEP_POLICY_ALL,
    KeepName.MASTER: job_pb2.KEEP_POLICY_MASTER,
    KeepName.WEEK: job_pb2.KEEP_POLICY_WEEK,
}
BY_SUFFIX = {
    ".mp4": CodecName.H264,
    ".mov": CodecName.PRORES,
    ".mkv": CodecName.FFV1,
    "": CodecName.PNG,
}


def parsed_labels(given: list[str] | None) -> dict[str, str]:
    """["shot=12"] -> {"shot": "12"}. Raises InvalidRequest for what is of another form."""
    found = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not (key and equals):
            message = f"--label {text} is no label. Write it as a word and its value: shot=12."
            raise InvalidRequest(message, metadata={"field": "label", "label": text})
        found[key] = value
    return found


def codec_of(output: Path, chosen: CodecName | None) -> CodecName:
    """Raises InvalidRequest if nothing is chosen and the suffix says nothing."""
    if chosen is not None:
        return chosen
    suffix = output.suffix.lower()
    if suffix not in BY_SUFFIX:
        message = (
            f"{output.name}: '{suffix}' is no suffix that is written here. Use .mp4, .mov, .mkv or --codec."
        )
        raise InvalidRequest(message, metadata={"field": "output", "suffix": suffix})
    return BY_SUFFIX[suffix]


def frame_range(text: str, frame_count: int) -> tuple[int, int]:
    """ "10:50" -> (10, 50). An end that is left out is the clip's, a first frame that is left out is 0.

    Raises InvalidRequest if *text* is of another form.
    """
    first, colon, end = text.partition(":")
    try:
        if not colon:
            raise ValueError(text)
        return int(first or 0), int(end or frame_count)
    except ValueError:
        message = f"--range {text} is no range of frames. Write the first and the one behind the last: 10:50."
        raise InvalidRequest(message, metadata={"field": "range", "range": text}) from None
