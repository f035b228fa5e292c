"""Editions and versions of Resolve that the stand-in can be, each with the rules that changed between them."""

from __future__ import annotations

from dataclasses import dataclass

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One Resolve as an artist may have it. Section and R numbers are those of the research on scripting Resolve."""

    name: str
    version: Version
    build: int = 7
    studio: bool = True
    headless: bool = False
    external_scripting: bool = True
    """The preference "External scripting using"; the free edition has none (1.1)."""
    append_end_inclusive: bool = False
    """Resolve 18 counted clipInfo's endFrame in; 19 and later leave it out (1.6)."""
    language: str = "English"
    """Of the user interface: JobStatus comes in it (1.7)."""

    @property
    def product_name(self) -> str:
        return "DaVinci Resolve Studio" if self.studio else "DaVinci Resolve"

    @property
    def scriptapp_answers(self) -> bool:
        """Scripts outside Resolve reach Studio alone, and only where the preference allows it (1.1)."""
        return self.studio and self.external_scripting

    @property
    def lists_python(self) -> bool:
        """The Scripts menu shows Python: not without a window, and not in the free edition from 21.1 (0, fact 1)."""
        return not self.headless and (self.studio or self.version < (21, 1, 0))

    @property
    def has_ui_manager(self) -> bool:
        """UIManager is Studio's own since 19.1 and needs a window (0, fact 2)."""
        return not self.headless and (self.studio or self.version < (19, 1, 0))

    @property
    def append_needs_selection(self) -> bool:
        """From 20.0 to 20.3.1 AppendToTimeline failed while no pool clip was selected (1.6)."""
        return (20, 0, 0) <= self.version < (20, 3, 2)

    @property
    def right_offset_is_the_tail(self) -> bool:
        """From 20.0 GetRightOffset is the distance to the media's end; before, the out position (1.5)."""
        return self.version >= (20, 0, 0)

    @property
    def honours_frame_handles(self) -> bool:
        return self.version >= (21, 0, 4)

    @property
    def png_renders(self) -> bool:
        """PNG is among the render formats from 21 (1.7)."""
        return self.version >= (21, 0, 0)

    @property
    def settings_keys(self) -> frozenset[str]:
        """The keys of SetRenderSettings that do something here (R:828-866)."""
        keys = RENDER_KEYS
        if self.version >= (21, 0, 4):
            keys |= RENDER_KEYS_21_0_4
        if self.version >= (21, 1, 0):
            keys |= RENDER_KEYS_21_1
        return keys


RENDER_KEYS = frozenset(
    [
        "SelectAllFrames",
        "MarkIn",
        "MarkOut",
        "TargetDir",
        "CustomName",
        "UniqueFilenameStyle",
        "ExportVideo",
        "ExportAudio",
        "FormatWidth",
        "FormatHeight",
        "FrameRate",
        "PixelAspectRatio",
        "VideoQuality",
        "AudioCodec",
        "AudioBitDepth",
        "AudioSampleRate",
        "ColorSpaceTag",
        "GammaTag",
        "ExportAlpha",
        "EncodingProfile",
        "MultiPassEncode",
        "AlphaMode",
        "NetworkOptimization",
        "ClipStartFrame",
        "TimelineStartTimecode",
        "ReplaceExistingFilesInPlace",
        "ExportSubtitle",
        "SubtitleFormat",
    ]
)
RENDER_KEYS_21_0_4 = frozenset({"UseFullExtents", "AddFrameHandles", "DataBurnIn"})
RENDER_KEYS_21_1 = frozenset({"UseUniqueFilenames", "AudioFormat"})

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="studio-19.1.3", version=(19, 1, 3)),
        Profile(name="studio-20.2", version=(20, 2, 0)),
        Profile(name="studio-20.3.2", version=(20, 3, 2)),
        Profile(name="studio-21.0.4", version=(21, 0, 4), language="Spanish"),
        Profile(name="studio-21.1", version=(21, 1, 0)),
        Profile(name="free-21.0.3", version=(21, 0, 3), studio=False),
        Profile(name="free-21.1", version=(21, 1, 0), studio=False),
        Profile(name="headless-studio", version=(21, 0, 4), headless=True),
    )
}
