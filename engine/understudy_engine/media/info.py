"""What is known of a clip before its first picture is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..types import FrameSize

# ITU-T H.273 code points and FFmpeg's names for them. Code 2 is "unspecified": the name is then "".
PRIMARIES: Mapping[int, str] = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "jedec-p22",
}
TRANSFERS: Mapping[int, str] = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
MATRICES: Mapping[int, str] = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
RANGES: Mapping[int, str] = {1: "tv", 2: "pc"}

HDR_TRANSFERS = ("smpte2084", "arib-std-b67")


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How samples are meant, in FFmpeg's names ("bt709", "smpte170m", "tv"); "" where the file is silent."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""  # "tv": 8-bit luma 16-235; "pc": the whole range

    @classmethod
    def from_codes(cls, primaries: int, transfer: int, matrix: int, range_: int) -> ColourTags:
        """From H.273 code points; unknown codes count as silent."""
        return cls(
            PRIMARIES.get(primaries, ""),
            TRANSFERS.get(transfer, ""),
            MATRICES.get(matrix, ""),
            RANGES.get(range_, ""),
        )

    def codes(self) -> tuple[int, int, int, int]:
        """(primaries, transfer, matrix, range) as FFmpeg counts them: 2 (range: 0) where silent."""
        return (
            _code(PRIMARIES, self.primaries, 2),
            _code(TRANSFERS, self.transfer, 2),
            _code(MATRICES, self.matrix, 2),
            _code(RANGES, self.range, 0),
        )


def _code(table: Mapping[int, str], name: str, silent: int) -> int:
    return next((code for code, known in table.items() if known == name), silent)


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """One audio stream of a clip."""

    index: int  # among the file's audio streams
    codec: str
    sample_rate: int  # Hz
    channels: int
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInfo:
    """A clip as its reader delivers it: turned upright, at a constant rate."""

    path: Path
    size: FrameSize  # upright: after rotation metadata is applied
    rate: Fraction | None  # frames a second; None for pictures, which have no rate of their own
    frame_count: int  # counted, never taken from a header
    variable_rate: bool = False  # the file's frames come at uneven times; the reader conforms them to *rate*
    pix_fmt: str  # of the pictures read, FFmpeg's name
    bit_depth: int  # per sample
    colour: ColourTags = ColourTags()
    timecode: str = ""  # of the first frame, "01:00:00:00", or "01:00:00;00" counting with dropped numbers
    audio_streams: tuple[AudioInfo, ...] = ()
    rotation_degrees: int = 0  # clockwise, already applied
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel / its height, upright
    codec: str = ""
    start_time: Fraction = Fraction(0)  # s, of the first frame on the file's own clock; sound refers to it
    notes: tuple[str, ...] = ()  # sentences for the artist: what was conformed, converted or assumed

    @property
    def duration(self) -> Fraction | None:
        """Seconds; None without a rate."""
        return None if self.rate is None else self.frame_count / self.rate
