"""What nobody supplied, so that it is found in the clip; and the sentences that tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..types import FrameRange, Mode, SwapRequest
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
