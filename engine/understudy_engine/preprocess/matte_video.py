"""Mattes by SAM 2, a video model of transformers: prompted by a person's points on key frames, streamed.

The model is fed without its torchvision processors. Where this differs from the reference (engine_spec 6.9):
stretches end at shot cuts as well, points that are unsure or outside the picture are no prompts, a key frame without
the person moves to the nearest one with them, and memory that no frame can reach any more is dropped, which changes
no pixel.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameRange, FrameSize
from .detect import Person
from .matte import Matte
from .mattes import FollowsMatte, Points, Shown
from .pose import MEAN, STD
from .transformers_model import read_model

STRETCH_FRAMES = 400  # one memory; the next stretch begins anew
KEY_FRAMES = 4
PROMPTS = (0, (5, 6), 6, 5, 12, 11, 16, 15)  # nose, neck, shoulders, hips, ankles, of the 133 points
LEAST_SCORE = 0.5  # of a point, as for drawing
LEAST_PROMPTS = 2  # with fewer the box is the prompt
OBJECT = 1
INSIDE, BOX_BEGIN, BOX_END = 1, 2, 3  # SAM 2's labels of points
STEP = 1 / 8  # of logits as they are kept: fine near 0, where the edge is


class VideoMatteNet:
    """*folder* holds the model; raises WeightsMismatch if it is not whole."""

    def __init__(self, folder: Path, device: str) -> None:
        from transformers import Sam2VideoModel

        self._model = read_model(Sam2VideoModel, folder, device)
        self._device = device

    def alone(self) -> None:
        """What it sees depends on the frames before."""

    def through(self, shots: Sequence[FrameRange], look: Callable[[int], Shown | None]) -> FollowsMatte:
        return VideoMatte(self._model, self._device, shots, look)


class VideoMatte:
    """One person through one clip. Memory: the model's bank of one stretch, however long the clip: its key frames,
    and as many frames behind the present one as the model looks back."""

    def __init__(
        self, model: Any, device: str, shots: Sequence[FrameRange], look: Callable[[int], Shown | None]
    ) -> None:
        self._model = model
        self._device = device
        self._stretches = [stretch for shot in shots for stretch in stretches(shot)]
        self._look = look
        self._reach = max(model.config.num_maskmem, model.config.max_object_pointers_in_encoder)
        self._current: FrameRange | None = None
        self._session: Any = None

    def find(self, index: int, shown: Shown) -> LogitMatte | None:
        stretch = next(stretch for stretch in self._stretches if index in stretch.indices)
        if stretch != self._current:
            self._session, self._current = self._prompted(stretch), stretch
        logits = self._run(index, shown.rgb)
        return LogitMatte.packed(logits) if (logits > 0).any() else None

    def _prompted(self, stretch: FrameRange) -> Any:
        """A session that has seen the stretch's key frames with their prompts."""
        import torch
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        self._session = Sam2VideoInferenceSession(
            inference_device=self._device, inference_state_device=self._device, dtype=torch.float32
        )
        for index, shown in self._shown(key_frames(stretch), stretch):
            self._prompt(index, shown)
            self._run(index, shown.rgb)
        return self._session

    def _shown(self, keys: Sequence[int], stretch: FrameRange) -> Iterator[tuple[int, Shown]]:
        """Each of *keys*, or the nearest frame that shows the person; none twice."""
        done = set()
        for key in keys:
            for index in sorted(stretch.indices, key=lambda other: abs(other - key)):
                if index in done:
                    break
                if (shown := self._look(index)) is not None:
                    done.add(index)
                    yield index, shown
                    break

    def _prompt(self, index: int, shown: Shown) -> None:
        import torch

        places, labels = prompts_of(shown.points, shown.person, _size_of(shown.rgb))
        height, width = self._input_size()
        scaled = places * [width / shown.rgb.shape[1], height / shown.rgb.shape[0]]
        inputs = {
            "point_coords": torch.from_numpy(scaled.astype(np.float32))[None, None],  # (1, 1, n, 2)
            "point_labels": torch.from_numpy(labels)[None, None],  # (1, 1, n)
        }
        self._session.add_point_inputs(self._session.obj_id_to_idx(OBJECT), index, inputs)
        self._session.obj_with_new_inputs = [OBJECT]

    def _run(self, index: int, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(h, w) logits of the frame; above 0 is the person."""
        import torch

        frame = torch.from_numpy(frame_input(rgb, *self._input_size()))
        found = self._model(inference_session=self._session, frame_idx=index, frame=frame)
        self._forget(index)
        return np.asarray(found.pred_masks[0, 0].float().cpu().numpy())

    def _forget(self, index: int) -> None:
        """Of frames that were not prompted what lies out of reach; pictures, and masks at full size, of all."""
        self._session.processed_frames.clear()
        for outputs in self._session.output_dict_per_obj.values():
            tracked = outputs["non_cond_frame_outputs"]
            for old in [frame for frame in tracked if frame <= index - self._reach]:
                del tracked[old]
            for output in (*tracked.values(), *outputs["cond_frame_outputs"].values()):
                output.pop("high_res_masks", None)
        for tracked in self._session.frames_tracked_per_obj.values():
            tracked.clear()  # it is asked for at prompts alone, which came before

    def _input_size(self) -> tuple[int, int]:
        size = self._model.config.image_size
        return (size, size) if isinstance(size, int) else (size[0], size[1])


def stretches(shot: FrameRange) -> list[FrameRange]:
    """*shot* in parts of STRETCH_FRAMES, the last of them what is left."""
    starts = range(shot.start, shot.end, STRETCH_FRAMES)
    return [FrameRange(start, min(start + STRETCH_FRAMES, shot.end)) for start in starts]


def key_frames(stretch: FrameRange) -> list[int]:
    """The reference's: one of up to four frames, else every quarter (which may make more than four)."""
    count = len(stretch)
    return list(stretch.indices)[:: count // KEY_FRAMES] if count > KEY_FRAMES else [stretch.start]


def prompts_of(points: Points, person: Person, size: FrameSize) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Places (n, 2) in pixels, and their labels: sure points inside the picture, or the corners of the box."""
    chosen = np.array([points[list(n) if isinstance(n, tuple) else [n]].mean(axis=0) for n in PROMPTS])
    sure = (chosen[:, 2] >= LEAST_SCORE) & ((chosen[:, :2] >= 0) & (chosen[:, :2] < size)).all(axis=1)
    if sure.sum() >= LEAST_PROMPTS:
        return chosen[sure, :2], np.full(int(sure.sum()), INSIDE, np.int32)
    corners = np.array([[person.x0, person.y0], [person.x1, person.y1]])
    return corners, np.array([BOX_BEGIN, BOX_END], np.int32)


def frame_input(rgb: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """(H, W, 3) -> (3, height, width), stretched and normalised as SAM 2 learnt it."""
    smaller = rgb.shape[0] > height and rgb.shape[1] > width
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(rgb, (width, height), interpolation=how).astype(np.float32)
    return np.ascontiguousarray(((resized / 255 - MEAN) / STD).transpose(2, 0, 1), np.float32)


def _size_of(rgb: NDArray[np.uint8]) -> FrameSize:
    return FrameSize(rgb.shape[1], rgb.shape[0])


class LogitMatte(NamedTuple):
    """The model's small map of a whole picture, zipped: a few KB."""

    zipped: bytes
    shape: tuple[int, int]  # height, width

    @classmethod
    def packed(cls, logits: NDArray[np.float32]) -> LogitMatte:
        """Of (h, w); the person is where it is above 0."""
        steps = np.rint(logits / STEP).clip(-127, 127).astype(np.int8)
        return cls(zlib.compress(steps.tobytes(), level=1), (logits.shape[0], logits.shape[1]))

    def laid_back(self, picture: FrameSize) -> Matte:
        """Enlarged as logits, as SAM 2 does; 128 and more is the person, softly for about a pixel of the map."""
        steps = np.frombuffer(zlib.decompress(self.zipped), np.int8).reshape(self.shape)
        logits = cv2.resize(steps.astype(np.float32) * STEP, tuple(picture), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.rint(255 / (1 + np.exp(-logits))).astype(np.uint8))
