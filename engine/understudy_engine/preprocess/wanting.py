"""What nobody supplied, so that it is found in the clip, and what options can then do; the words that tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..errors import FrameRangeOutside, RequestError
from ..types import (
    Choice,
    Clicked,
    FrameRange,
    FrameSize,
    Largest,
    LimbFactors,
    MatteOptions,
    Mode,
    Named,
    Proportions,
    SwapRequest,
)
from ..weights.net_files import Net

KEYPOINTS, MATTE = "keypoints", "matte"
WORDS = {KEYPOINTS: "keypoints", MATTE: "a matte"}
CLIP_STAYS = "the clip stays as it is there"
CHARACTER_FOUND = (
    "The character's own body is found in its picture, and held against the first frame that shows both shoulders. "
    "Where the two do not stand alike, facing the camera with arms and legs stretched, lengths come out wrong."
)
NOBODY_IN_PICTURE = (
    "Nobody was found in the character's picture, so the model is not told where head and limbs are in it. Choose a "
    "picture that shows the character alone, with head and body, before a plain background."
)
NOTHING_TO_FOLLOW = "the character has nothing to follow there"
SPANS_TOLD = 4
NO_FACES = (
    "There is no face pass, so the character keeps a neutral expression. Supply keypoints or face crops."
)
SOME_FACES = "No face is to be seen in {missing} of {all} frames; the expression is left to the model there."


def to_find(request: SwapRequest) -> tuple[str, ...]:
    """The passes that the clip itself must show: KEYPOINTS, MATTE, both or none.

    Keypoints are wanted for the skeleton, and for the face where a drawn skeleton came alone.
    """
    if request.clip is None:
        return ()
    files = request.passes
    drawn = files.pose is not None and any((files.face, files.face_boxes, files.face_clip))
    wanted = {
        KEYPOINTS: files.keypoints is None and not drawn,
        MATTE: files.matte is None and request.mode is Mode.REPLACE,
    }
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def finds_character(request: SwapRequest) -> bool:
    """Whether the character's own points are looked for in its picture."""
    return request.pose.proportions is Proportions.CHARACTER


def pose_settings(request: SwapRequest) -> Mapping[str, Any]:
    """The pose options that change something; none where all are as they come."""
    options, found = request.pose, dict[str, Any]()
    if isinstance(options.person, Named):
        found["person"] = list(options.person.names)
    if isinstance(options.person, Clicked):
        found["person"] = asdict(options.person)
    if finds_character(request):
        found["proportions"] = options.proportions.value
    if options.limbs != LimbFactors():
        found["limbs"] = asdict(options.limbs)
    flags = {"steady_faces": options.steady_faces, "reference_bgr": options.reference_bgr}
    return found | {name: True for name, is_set in flags.items() if is_set}


def matte_settings(options: MatteOptions) -> Mapping[str, Any]:
    """All of them, but what grows otherwise only where that was asked for."""
    parts = ("grow_hair_px", "grow_clothes_px")
    return {name: value for name, value in asdict(options).items() if name not in parts or value is not None}


def refuse_idle(request: SwapRequest) -> None:
    """Raises RequestError for a pose option that could change nothing, or nothing good, in this request."""
    for sentence in _idle(request):
        raise RequestError(sentence)


def _idle(request: SwapRequest) -> Iterator[str]:
    options, files = request.pose, request.passes
    looks_around = files.keypoints is None and bool(to_find(request))
    if finds_character(request) and request.mode is Mode.REPLACE:
        yield (
            "Replace keeps the person's own proportions, since the character takes their place in the picture. Leave "
            "out the character's proportions, or set limb factors."
        )
    if request.mode is Mode.ANIMATE and (files.garbage or files.keep):
        yield "Animate makes the whole picture, so there is nothing to mask. Leave out the garbage and keep masks."
    if request.matte.grows_parts and files.pose and not files.keypoints:
        yield (
            "A drawn skeleton does not tell where head and body are, so the matte cannot grow by parts. Supply "
            "keypoints beside it, or leave out the growth of hair and clothes."
        )
    moves = files.corrections or options.limbs != LimbFactors() or finds_character(request)
    if moves and files.pose is not None:
        yield (
            "A drawn skeleton is followed as it is drawn: corrections, limb factors and the character's proportions "
            "need points. Leave out the skeleton, or those."
        )
    if moves and request.clip is None:
        yield "Corrections, limb factors and the character's proportions need a clip. Name the clip."
    if options.person != Largest() and not looks_around:
        yield "Nobody is looked for, since passes of yours say whom to follow. Leave out those, or the person."
    if options.reference_bgr and not (looks_around or finds_character(request) or files.face_clip):
        yield "No keypoints are looked for, so swapped channels change nothing. Leave out reference_bgr."
    faces = [file for file in (files.face, files.face_boxes, files.face_clip) if file]
    if options.steady_faces and (faces or request.clip is None):
        yield "Face passes of yours need no steadying. Leave out those, or the steadied faces."
    if files.face_clip and len(faces) > 1:
        yield "The face clip and face crops or boxes both say which face is followed. Leave out one of the two."


def refuse_click_outside(request: SwapRequest, frames: FrameRange, size: FrameSize) -> None:
    """Raises FrameRangeOutside or RequestError for a click beside *frames* of the clip, or beside its picture."""
    refuse_click(request.pose.person, frames, size, "made")


def refuse_click(choice: Choice, frames: FrameRange, size: FrameSize, done: str) -> None:
    """The same of any choice; *done* says what becomes of *frames*."""
    if not isinstance(choice, Clicked):
        return
    if choice.frame not in frames.indices:
        raise FrameRangeOutside(
            f"The person was clicked in frame {choice.frame}, but frames {frames.start} to {frames.end - 1} are "
            f"{done}. Click in one of those.",
            frame=choice.frame,
            start=frames.start,
            end=frames.end,
        )
    if not (0 <= choice.x < size.width and 0 <= choice.y < size.height):
        raise RequestError(
            f"The click at {choice.x:g}, {choice.y:g} lies outside the clip's {size.width}x{size.height} pixels. Click "
            "on the person.",
            x=choice.x,
            y=choice.y,
        )


def finding_told(names: Sequence[str], small: Sequence[Net]) -> str:
    """What to expect of *names* where *small* of the nets are nano's own; nothing where none of those is used."""
    used = [net for net in small if net is not Net.MATTE or MATTE in names]
    if not used:
        return ""
    missing = " and ".join(WORDS[name] for name in names)
    which = "small nets find" if len(used) > 1 else f"a small {used[0]} net helps to find"
    were = "They were" if len(used) > 1 else "It was"
    return (
        f"Without {missing} of yours, {which} the person in the clip. {were} trained on drawn figures: for real "
        f"people, supply {missing}, or use the 14B model with larger nets in its folder (docs/nets.md says which)."
    )


def absence_told(absent: Sequence[int], frames: FrameRange, so: str) -> str:
    """*absent* counts from the start of *frames*; *so* says what becomes of those frames."""
    where = spans([frames.start + index for index in absent])
    noun = "frame" if len(absent) == 1 else "frames"
    return f"Nobody was found in {len(absent)} of {len(frames)} frames (clip {noun} {where}); {so}."


def faces_told(seen: Sequence[bool]) -> Iterator[str]:
    """*seen*: whether each frame shows a face."""
    missing = sum(not is_seen for is_seen in seen)
    if missing == len(seen):
        yield NO_FACES
    elif missing:
        yield SOME_FACES.format(missing=missing, all=len(seen))


def spans(numbers: Sequence[int]) -> str:
    """Rising *numbers* as "3, 7 to 12"; beyond SPANS_TOLD of them "and others"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    told = [" to ".join(map(str, span)) for span in found[:SPANS_TOLD]]
    return ", ".join(told) + (" and others" if len(found) > SPANS_TOLD else "")
