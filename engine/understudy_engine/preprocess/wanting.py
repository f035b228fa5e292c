"""What nobody supplied, so that it is found in the clip, and the words that tell of it."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import FrameRange, Mode, SwapRequest

KEYPOINTS, MATTE = "keypoints", "matte"
WORDS = {KEYPOINTS: "keypoints", MATTE: "a matte"}
CLIP_STAYS = "the clip stays as it is there"
NOTHING_TO_FOLLOW = "the character has nothing to follow there"
SPANS_TOLD = 4


def to_find(request: SwapRequest) -> tuple[str, ...]:
    """The passes that the clip itself must show: KEYPOINTS, MATTE, both or none.

    Keypoints are wanted for the skeleton, and for the face where a drawn skeleton came alone.
    """
    if request.clip is None:
        return ()
    files = request.passes
    drawn = files.pose is not None and (files.face is not None or files.face_boxes is not None)
    wanted = {
        KEYPOINTS: files.keypoints is None and not drawn,
        MATTE: files.matte is None and request.mode is Mode.REPLACE,
    }
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def finding_told(names: Sequence[str]) -> str:
    missing = " and ".join(WORDS[name] for name in names)
    return (
        f"Without {missing} of yours, small nets find the person in the clip. They were trained on drawn figures: for "
        f"real people, supply {missing} until the released nets can be installed."
    )


def absence_told(absent: Sequence[int], frames: FrameRange, so: str) -> str:
    """*absent* counts from the start of *frames*; *so* says what becomes of those frames."""
    where = spans([frames.start + index for index in absent])
    noun = "frame" if len(absent) == 1 else "frames"
    return f"Nobody was found in {len(absent)} of {len(frames)} frames (clip {noun} {where}); {so}."


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
