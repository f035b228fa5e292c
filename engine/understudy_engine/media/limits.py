"""What may be opened at all: sizes, lengths, and the formats that are let near a decoder.

Clips come from strangers. Files are opened as handles with these lists, so that no playlist, URL or second
file can be followed, and limits are checked before the first picture is decoded.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import MediaTooLarge

MAX_FRAME_PX = 8192 * 4320
MAX_FRAMES = 20_000
MAX_STILL_PX = 50_000_000

MOVIE_FORMATS = "mov,matroska,avi,mxf,mpegts"  # FFmpeg's demuxers
PICTURE_FORMATS = "png_pipe,jpeg_pipe,tiff_pipe,exr_pipe,webp_pipe,dpx_pipe"
STORED_CODEC = "ffv1"  # of layers and masters
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".webp", ".dpx")

# fmt: off
VIDEO_CODECS = (  # FFmpeg's decoders
    "h264", "hevc", "av1", "libdav1d", "vp8", "libvpx", "vp9", "libvpx-vp9", "mpeg1video", "mpeg2video",
    "mpeg4", "mjpeg", "prores", "dnxhd", "cfhd", "ffv1", "ffvhuff", "huffyuv", "utvideo", "magicyuv", "qtrle",
    "rawvideo", "v210", "r210", "dvvideo", "png", "tiff", "exr", "dpx", "webp", "jpeg2000",
)
AUDIO_CODECS = (
    "aac", "mp3float", "mp3", "ac3", "eac3", "alac", "flac", "opus", "libopus", "vorbis", "mp2float", "mp2",
    "pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be",
    "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd",
    "amrnb", "amrwb", "dca",
)
# fmt: on


def check_frame(path: Path, width: int, height: int) -> None:
    """Raises MediaTooLarge for movie frames of more than 8192 x 4320 pixels."""
    if width * height > MAX_FRAME_PX:
        raise MediaTooLarge(
            f"{path.name} is {width} x {height}; at most 8192 x 4320 is read. Make a smaller proxy.",
            width=width,
            height=height,
            limit_px=MAX_FRAME_PX,
        )


def check_length(path: Path, frames: int) -> None:
    """Raises MediaTooLarge for more than 20,000 frames."""
    if frames > MAX_FRAMES:
        raise MediaTooLarge(
            f"{path.name} has more than {MAX_FRAMES:,} frames. Trim it or split it first.",
            limit_frames=MAX_FRAMES,
        )


def check_still(path: Path, width: int, height: int) -> None:
    """Raises MediaTooLarge for single pictures of more than 50 megapixels."""
    if width * height > MAX_STILL_PX:
        raise MediaTooLarge(
            f"{path.name} has {width * height / 1e6:.0f} megapixels; at most 50 are read. Make it smaller.",
            width=width,
            height=height,
            limit_px=MAX_STILL_PX,
        )
