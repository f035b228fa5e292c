"""The options of replace and animate, each written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2, result_pb2

if TYPE_CHECKING:
    from .role_options import AskedRole


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

PASSES, MAKING, RESULT, QUEUE = (
    "Passes you bring",
    "How it is made",
    "Result and server",
    "Its place in the queue",
)


def given(*names: str, text: str, panel: str, metavar: str | None = None) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar)
    return option


Output = Annotated[
    Path,
    given(
        "-o",
        "--output",
        text="Where the result goes: .mp4 is H.264, .mov is ProRes 422 HQ, .mkv is lossless FFV1, "
        "a name without suffix is a folder of PNG pictures.",
        panel=RESULT,
        metavar="FILE",
    ),
]
Codec = Annotated[
    CodecName | None, given("--codec", text="Another codec than the suffix says.", panel=RESULT)
]
Overwrite = Annotated[
    bool, given("--overwrite", text="Replace a result that is there already.", panel=RESULT)
]
Detach = Annotated[
    bool, given("--detach", text="Hand the job in and return at once; watch it later.", panel=RESULT)
]
StopServer = Annotated[
    bool, given("--stop-server", text="End a server that was started for this command.", panel=RESULT)
]
EstimateOnly = Annotated[
    bool,
    given("--estimate", text="Only tell what the job would be and cost; nothing is made.", panel=RESULT),
]
Priority = Annotated[
    int,
    typer.Option("--priority", help="-100 to 100, higher first.", min=-100, max=100, rich_help_panel=QUEUE),
]
Label = Annotated[
    list[str] | None,
    given(
        "--label",
        text="A word of yours to find it by; may be given several times.",
        panel=QUEUE,
        metavar="KEY=VALUE",
    ),
]
Keep = Annotated[
    KeepName | None,
    given(
        "--keep",
        text="What the server keeps afterwards: all; the master alone; or all for a week. "
        "The default is the server's.",
        panel=QUEUE,
    ),
]
LayerOption = Annotated[LayerName, given("--layer", text="Which layer.", panel=RESULT)]
LayerRole = Annotated[
    int,
    typer.Option(
        "--role", help="Whose layer, in a job of several: 0 is the first.", rich_help_panel=RESULT, min=0
    ),
]
AsJson = Annotated[bool, given("--json", text="Answer as one JSON object, for programs.", panel=RESULT)]

PassFolder = Annotated[
    Path | None,
    given(
        "--passes",
        text="Folder with passes: keypoints, pose, face, face_boxes, matte, garbage, keep, background, face_clip, "
        "corrections (any of them), "
        "or what Wan-Animate's own preprocessing writes (src_pose, src_face, src_mask, src_bg).",
        panel=PASSES,
        metavar="FOLDER",
    ),
]
Matte = Annotated[
    Path | None,
    given(
        "--matte",
        text="White is the person: a video, a sequence, or one picture.",
        panel=PASSES,
        metavar="FILE",
    ),
]
Garbage = Annotated[
    Path | None,
    given(
        "--garbage",
        text="White is where nobody is replaced: goes out of the matte before it grows.",
        panel=PASSES,
        metavar="FILE",
    ),
]
KeepPlate = Annotated[
    Path | None,
    given(
        "--keep-plate",
        text="White is where the clip always stays, like a post in front of the person; grey is a share of it.",
        panel=PASSES,
        metavar="FILE",
    ),
]
Keypoints = Annotated[
    Path | None,
    given(
        "--keypoints",
        text="Whole-body keypoints, JSON (also OpenPose, DWPose).",
        panel=PASSES,
        metavar="JSON",
    ),
]
Pose = Annotated[
    Path | None, given("--pose", text="A drawn skeleton; wins over keypoints.", panel=PASSES, metavar="FILE")
]
Face = Annotated[
    Path | None, given("--face", text="Face crops, a video or a sequence.", panel=PASSES, metavar="FILE")
]
FaceBoxes = Annotated[
    Path | None, given("--face-boxes", text="Face boxes on the clip, JSON.", panel=PASSES, metavar="JSON")
]
FaceClip = Annotated[
    Path | None,
    given(
        "--face-clip",
        text="Another clip, whose face drives the expression.",
        panel=PASSES,
        metavar="FILE",
    ),
]
Background = Annotated[
    Path | None, given("--background", text="The clip without the person.", panel=PASSES, metavar="FILE")
]

Frames = Annotated[
    str | None,
    given(
        "--range",
        text="Frames of the clip, counted from 0; the end is not included. 10:50 makes 40 frames.",
        panel=MAKING,
        metavar="FIRST:END",
    ),
]
Steps = Annotated[
    int | None,
    given(
        "--steps", text="Denoising steps a segment, 1 to 100. More is slower.", panel=MAKING, metavar="NUMBER"
    ),
]
Seed = Annotated[
    int | None,
    given(
        "--seed",
        text="Another number gives another take; the same one the same pixels.",
        panel=MAKING,
        metavar="NUMBER",
    ),
]
Prompt = Annotated[
    str,
    given(
        "--prompt",
        text="What the picture shows, in words, for models that read them; left out, the model's own.",
        panel=MAKING,
        metavar="WORDS",
    ),
]
Solver = Annotated[SolverName | None, given("--solver", text="How steps are taken.", panel=MAKING)]
GuidanceFrames = Annotated[
    int | None,
    given(
        "--guidance-frames",
        text="Frames a segment takes over from the one before: 1 or 5.",
        panel=MAKING,
        metavar="NUMBER",
    ),
]
Relight = Annotated[
    float | None,
    given(
        "--relight",
        text="How far the character takes the clip's light, 0 to 1.",
        panel=MAKING,
        metavar="NUMBER",
    ),
]
Grow = Annotated[
    int | None,
    given("--grow", text="How far the matte grows, pixels at model size.", panel=MAKING, metavar="NUMBER"),
]
GrowHair = Annotated[
    int | None,
    given("--grow-hair", text="The same around the head alone.", panel=MAKING, metavar="NUMBER"),
]
GrowClothes = Annotated[
    int | None,
    given(
        "--grow-clothes", text="The same around the rest of the body alone.", panel=MAKING, metavar="NUMBER"
    ),
]
Soften = Annotated[
    float | None,
    given(
        "--soften",
        text="Width of the matte's soft edge, inside it, in pixels of the clip; 2 if unset.",
        panel=MAKING,
        metavar="NUMBER",
    ),
]
WorkArea = Annotated[
    int | None,
    given(
        "--work-area",
        text="About how many pixels a frame has inside the model.",
        panel=MAKING,
        metavar="NUMBER",
    ),
]
ModelName = Annotated[
    str, given("--model", text="A name from: understudy models.", panel=MAKING, metavar="NAME")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """What an artist asks for, in files of this machine."""

    clip: Path | None
    character: Path
    output: Path
    passes: dict[str, Path]  # by the names of PassInputs' fields
    frames: str | None = None
    steps: int | None = None
    four_step: bool | None = None
    four_step_strength: float | None = None
    loras: Sequence[job_pb2.Lora] = ()
    seed: int | None = None
    solver: SolverName | None = None
    guidance_frames: int | None = None
    work_area_px: int | None = None
    codec: CodecName | None = None
    overwrite: bool = False
    model: str = ""
    prompt: str = ""
    relight: float | None = None  # of replace alone, as what follows
    grow_px: int | None = None
    grow_hair_px: int | None = None
    grow_clothes_px: int | None = None
    soften_px: float | None = None
    pose: job_pb2.PoseOptions | None = None
    depth: job_pb2.Depth.ValueType = job_pb2.DEPTH_UNSPECIFIED
    roles: Sequence[AskedRole] = ()  # further ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What is done about a job, rather than in it."""

    detach: bool = False
    estimate_only: bool = False
    stop_after: bool = False
    priority: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    keep: KeepName | None = None


def labels(given: list[str] | None) -> dict[str, str]:
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
