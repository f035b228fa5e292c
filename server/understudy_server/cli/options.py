"""The options of replace and animate, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .words import CodecName, KeepName, LayerName, SolverName

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
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]

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
