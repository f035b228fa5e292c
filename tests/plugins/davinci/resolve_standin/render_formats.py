"""Render formats and codecs by their ids, and the files that PyAV writes for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from .media_file import Pixels, reformatted


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One render codec: its name in the Deliver page, and how PyAV writes it."""

    description: str
    encoder: str
    pix_fmt: str
    alpha_pix_fmt: str = ""
    options: dict[str, str] = field(default_factory=dict)


FORMATS = {"QuickTime": "mov", "MP4": "mp4", "EXR": "exr", "DPX": "dpx", "TIFF": "tif"}
"""Description: id, as GetRenderFormats has them."""
SEQUENCES = frozenset({"exr", "dpx", "tif", "png"})
CODECS = {
    "mov": {
        "ProRes422HQ": Codec(
            description="Apple ProRes 422 HQ",
            encoder="prores_ks",
            pix_fmt="yuv422p10le",
            options={"profile": "3"},
        ),
        "ProRes4444": Codec(
            description="Apple ProRes 4444",
            encoder="prores_ks",
            pix_fmt="yuv444p10le",
            alpha_pix_fmt="yuva444p10le",
            options={"profile": "4"},
        ),
        "DNxHRHQX_10": Codec(
            description="DNxHR HQX 10-bit",
            encoder="dnxhd",
            pix_fmt="yuv422p10le",
            options={"profile": "dnxhr_hqx"},
        ),
        "DNxHR444_12": Codec(
            description="DNxHR 444 12-bit",
            encoder="dnxhd",
            pix_fmt="yuv444p10le",
            options={"profile": "dnxhr_444"},
        ),
        "DNxHRHQ": Codec(
            description="DNxHR HQ", encoder="dnxhd", pix_fmt="yuv422p", options={"profile": "dnxhr_hq"}
        ),
        "H264": Codec(description="H.264", encoder="libx264", pix_fmt="yuv420p", options={"crf": "4"}),
    },
    "mp4": {"H264": Codec(description="H.264", encoder="libx264", pix_fmt="yuv420p", options={"crf": "4"})},
    "exr": {
        "RGBHalf": Codec(
            description="RGB half",
            encoder="exr",
            pix_fmt="gbrpf32le",
            alpha_pix_fmt="gbrapf32le",
            options={"format": "half"},
        )
    },
    "dpx": {"RGB10": Codec(description="RGB 10 bits", encoder="dpx", pix_fmt="gbrp10le")},
    "tif": {"RGB16": Codec(description="RGB 16 bits", encoder="tiff", pix_fmt="rgb48le")},
    "png": {"RGB16": Codec(description="RGB 16 bits", encoder="png", pix_fmt="rgb48be")},
}


def write_movie(
    path: Path, pictures: Sequence[Pixels], codec: Codec, rate: Fraction, timecode: str, alpha: bool
) -> None:
    pix_fmt = codec.alpha_pix_fmt if alpha and codec.alpha_pix_fmt else codec.pix_fmt
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec.encoder, rate=rate, options=dict(codec.options))
        height, width = pictures[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = 1 / rate
        stream.metadata["timecode"] = timecode
        for number, picture in enumerate(pictures):
            frame = reformatted(as_frame(picture, alpha), pix_fmt)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_silence(path: Path, seconds: float) -> None:
    """Sound without a picture."""
    with av.open(str(path), "w", format="mov") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, round(seconds * 48_000)), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_still(path: Path, picture: Pixels, codec: Codec, alpha: bool) -> None:
    pix_fmt = codec.alpha_pix_fmt if alpha and codec.alpha_pix_fmt else codec.pix_fmt
    context: Any = av.CodecContext.create(codec.encoder, "w")
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base, context.options = pix_fmt, Fraction(1, 24), dict(codec.options)
    frame = (
        as_float_frame(picture, pix_fmt)
        if "f32" in pix_fmt
        else reformatted(as_frame(picture, alpha), pix_fmt)
    )
    frame.pts = 0
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))


def as_frame(picture: Pixels, alpha: bool) -> av.VideoFrame:
    shown = picture if alpha else np.dstack([picture[..., :3] * picture[..., 3:], np.ones(picture.shape[:2])])
    return av.VideoFrame.from_ndarray(np.rint(shown * 65535).astype(np.uint16), "rgba64le")


def as_float_frame(picture: Pixels, pix_fmt: str) -> av.VideoFrame:
    channels = 4 if pix_fmt.startswith("gbrap") else 3
    shown = picture if channels == 4 else picture[..., :3] * picture[..., 3:]
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(shown[..., :channels], np.float32), pix_fmt)
