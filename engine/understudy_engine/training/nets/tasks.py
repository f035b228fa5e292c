"""What each small net learns from a pool: its batches, its loss, and how far off it is on pictures it never saw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...preprocess.limbs import draw_limbs
from . import detector, matte, meters, pose
from .crops import crop_boxes, cut, into, jittered
from .crowds import Crowd, crowd_of, elsewhere, laid_over
from .points import face_crop_boxes, mirror_points, readable_faces, visible
from .pool import Pool, Rows
from .spoil import spoil

SMALLEST_BOX_PX = 14.0
LAYERS = 3  # of people before those of a picture, at most, for the detector
UPSIDE_DOWN = 0.12  # of its pictures
SMALLEST_FACE_PX = 22.0  # of the landmarks; what is measured has 48 px and more

REFRESH_EVERY = 50  # batches
ROWS_AT_ONCE = 256

Batch = dict[str, Tensor]


class Source:
    """The rows a task draws from. *wanted* tells which (row, person) pairs of them serve, (N, P) bool."""

    def __init__(self, pool: Pool, wanted: Callable[[Rows], Tensor]) -> None:
        self._pool, self._wanted = pool, wanted
        self._known = 0  # rows that have been judged
        self._drawn = 0
        self._pairs: list[Tensor] = []

    def draw(self, count: int, generator: torch.Generator) -> tuple[Rows, Tensor, Tensor]:
        """The rows, and *count* pairs of them: row (count,), person (count,)."""
        if self._drawn % REFRESH_EVERY == 0:
            self._pool.refresh()
        self._drawn += 1
        rows = self._pool.rows
        if rows is None:
            raise ValueError("the pool is empty: start its renderer first")
        if self._known < len(rows):
            self._judge(rows)
        pairs = self._pairs[0]
        chosen = torch.randint(len(pairs), (count,), generator=generator, device=pairs.device)
        row, person = pairs[chosen].unbind(dim=1)
        return rows, row, person

    def _judge(self, rows: Rows) -> None:
        for start in range(self._known, len(rows), ROWS_AT_ONCE):
            found = self._wanted(rows.part(start, start + ROWS_AT_ONCE)).nonzero()
            self._pairs.append(found + found.new_tensor([start, 0]))
        self._known = len(rows)
        self._pairs = [torch.cat(self._pairs)]


def somebody(rows: Rows) -> Tensor:
    extent = rows.boxes[..., 2:] - rows.boxes[..., :2]
    return (extent >= SMALLEST_BOX_PX).all(dim=-1)


def somebody_softly(rows: Rows) -> Tensor:
    return somebody(rows) & rows.soft[:, None]


def nothing_left_out(rows: Rows) -> Tensor:
    """One pair a picture: the detector takes pictures, not people."""
    one = torch.zeros_like(rows.boxes[..., 0], dtype=torch.bool)
    one[:, 0] = rows.complete
    return one


def faces(rows: Rows) -> Tensor:
    """The first person's, where a face can be read."""
    points = rows.points[:, 0]
    seen = visible(points, rows.mattes[:, 0])
    one = torch.zeros_like(rows.boxes[..., 0], dtype=torch.bool)
    known = rows.expression.isfinite().all(dim=1)
    one[:, 0] = readable_faces(points, seen, SMALLEST_FACE_PX) & known
    return one


def _floats(pictures: Tensor) -> Tensor:
    return pictures.float() / 255


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


class NetTask(ABC):
    """A net, where its batches come from, and its loss. Subclasses say how."""

    name: str
    ships: ClassVar[bool]
    rate: ClassVar[float] = 2e-3
    batch: ClassVar[int] = 128
    error_unit: ClassVar[str]

    def __init__(
        self, model: nn.Module, source: Source, device: torch.device, batch: int | None = None
    ) -> None:
        self.model = model.to(device)
        self.source, self.device = source, device
        self.count = batch or self.batch

    def draw(self, generator: torch.Generator) -> Mapping[str, Tensor]:
        return self.drawn(generator, spoiled=True)

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        with _autocast(self.device):
            return {"loss": self.loss(dict(batch))}

    def plain(self) -> None:
        return  # nothing is compiled

    def seeds(self) -> tuple[tuple[int, int], ...]:
        return ()  # the renderer knows them

    @abstractmethod
    def drawn(self, generator: torch.Generator, *, spoiled: bool) -> Batch: ...

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor: ...

    @abstractmethod
    def error(self, batch: Batch) -> Tensor:
        """Mean error of the net on *batch*, in ``error_unit``."""


class DetectorTask(NetTask):
    name, ships, error_unit = (
        "detector",
        True,
        "1 - IoU of each person with the best of the boxes found (score > 0.3)",
    )
    batch = 64

    def drawn(self, generator: torch.Generator, *, spoiled: bool) -> Batch:
        crowd = self._crowd(generator)
        size = float(crowd.pictures.shape[-1])
        views = _views(self.count, size, generator) if spoiled else _whole(self.count, size, self.device)
        pictures = crowd.pictures
        if spoiled:
            pictures = spoil(pictures, generator)
        ground = torch.rand(self.count, 3, 1, 1, generator=generator, device=self.device)
        pictures = cut(pictures - ground, views, detector.SIZE, detector.SIZE) + ground
        corners = torch.cat([crowd.boxes(), crowd.middles()], dim=-1).unflatten(-1, (3, 2))  # (B, P, 3, 2)
        people = corners.shape[1]
        placed = into(corners.flatten(1, 2), views, detector.SIZE, detector.SIZE).unflatten(1, (people, 3))
        if spoiled:
            upside_down = torch.rand(self.count, generator=generator, device=self.device) < UPSIDE_DOWN
            pictures = torch.where(upside_down[:, None, None, None], pictures.flip(-1, -2), pictures)
            turned = detector.SIZE - placed[:, :, [1, 0, 2]]
            placed = torch.where(upside_down[:, None, None, None], turned, placed)
        inside = placed.clamp(0, detector.SIZE)
        boxes, middles = inside[:, :, :2].flatten(2), inside[:, :, 2]
        enough = detector.area(boxes) > 0.25 * detector.area(placed[:, :, :2].flatten(2))
        return {"pictures": pictures, "boxes": boxes * enough[..., None], "middles": middles}

    def _crowd(self, generator: torch.Generator) -> Crowd:
        """A picture with the people of up to three others before it: those whose mattes are soft."""
        rows, row, _ = self.source.draw(self.count, generator)
        crowd = crowd_of(rows, row)
        for _ in range(LAYERS):
            rows, row, _ = self.source.draw(self.count, generator)
            crowd = laid_over(crowd, elsewhere(crowd_of(rows, row), generator), rows.soft[row])
        return crowd

    def loss(self, batch: Batch) -> Tensor:
        assert isinstance(self.model, detector.Detector)
        logits, boxes = self.model.maps(batch["pictures"])
        return detector.detector_loss(logits, boxes, batch["boxes"], batch["middles"])

    def error(self, batch: Batch) -> Tensor:
        found: Tensor = self.model(batch["pictures"]).float()
        there = detector.area(batch["boxes"]) > 0
        overlap = detector.giou(batch["boxes"][:, :, None], found[:, None, :, :4]).clamp(min=0)  # (B, P, 300)
        overlap = overlap * (found[:, None, :, 4] > 0.3)
        mean: Tensor = (overlap.amax(dim=-1) * there).sum() / there.sum().clamp(min=1)
        return 1 - mean


def _whole(count: int, size: float, device: torch.device) -> Tensor:
    return torch.tensor([0.0, 0, size, size], device=device).expand(count, 4)


def _views(count: int, size: float, generator: torch.Generator) -> Tensor:
    """What part of each picture, or how much around it, the detector is shown, (count, 4): half of them the whole
    picture, the others 0.8 to 2.4 times as much, each axis for itself (pictures are stretched to a square)."""
    u = torch.rand(count, 5, generator=generator, device=generator.device)
    wide = 0.8 * 3 ** u[:, 0]
    tall = wide * 1.6 ** (2 * u[:, 1] - 1)
    extent = torch.stack([wide, tall], dim=1).clamp(0.7, 2.6) * size
    low = u[:, 2:4] * (size - extent)
    views = torch.cat([low, low + extent], dim=1)
    return torch.where(u[:, 4:] < 0.5, _whole(count, size, views.device), views)


class _CropTask(NetTask):
    """One person's crop, mirrored half of the time, with its points and matte."""

    height: ClassVar[int]
    width: ClassVar[int]
    padding: ClassVar[str] = "zeros"

    def crops(self, generator: torch.Generator, *, spoiled: bool) -> Batch:
        rows, row, person = self.source.draw(self.count, generator)
        boxes = rows.boxes[row, person]
        if spoiled:
            boxes = jittered(boxes, generator, shift=0.06, scale=0.18)
        boxes = crop_boxes(boxes, self.width / self.height)
        mattes = rows.mattes[row, person]
        points = rows.points[row, person]
        seen = visible(points, mattes)
        whole = [
            _floats(rows.pictures[row]),
            _floats(mattes)[:, None],
            torch.ones(mattes[:, None].shape, device=self.device),
        ]
        layers = cut(torch.cat(whole, dim=1), boxes, self.height, self.width)  # (B, 5, h, w)
        points = into(points, boxes, self.height, self.width)
        points = torch.cat([points, seen[..., None].to(points)], dim=-1)  # (B, 133, 4)
        if spoiled:
            mirrored = torch.rand(self.count, generator=generator, device=self.device) < 0.5
            layers = torch.where(mirrored[:, None, None, None], layers.flip(-1), layers)
            points = torch.where(mirrored[:, None, None], mirror_points(points, self.width), points)
        pictures, covered, inside = layers[:, :3], layers[:, 3:4], layers[:, 4:]
        if spoiled:
            pictures = spoil(pictures, generator) * inside  # around the picture a crop stays black
        return {"pictures": pictures, "mattes": covered, "points": points, "boxes": boxes}


class PoseTask(_CropTask):
    name, ships, error_unit = (
        "pose",
        True,
        "mean distance of the points in the crop, in percent of its height",
    )
    height, width = pose.HEIGHT, pose.WIDTH

    def drawn(self, generator: torch.Generator, *, spoiled: bool) -> Batch:
        batch = self.crops(generator, spoiled=spoiled)
        return batch | {"pictures": pose.normalised(batch["pictures"])}

    def loss(self, batch: Batch) -> Tensor:
        return pose.pose_loss(self.model(batch["pictures"]), batch["points"][..., :3])

    def error(self, batch: Batch) -> Tensor:
        heat = self.model(batch["pictures"]).float()
        best = heat.flatten(2).argmax(dim=-1)
        width = heat.shape[-1]
        found = torch.stack([best % width, best // width], dim=-1) * float(pose.HEAT_STRIDE)
        points = batch["points"]
        there = (points[..., 3] > 0) & (points[..., :2] >= 0).all(-1)
        there &= (points[..., 0] < self.width) & (points[..., 1] < self.height)
        return _mean_percent(found - points[..., :2], there, self.height)


def _mean_percent(apart: Tensor, there: Tensor, height: int) -> Tensor:
    """Mean length of (B, 133, 2) where *there*, in percent of *height*."""
    mean: Tensor = (apart.norm(dim=-1) * there).sum() / there.sum().clamp(min=1)
    return 100 / height * mean


class MatteTask(_CropTask):
    name, ships, error_unit = "matte", True, "1 - IoU of the mattes at a half"
    height, width = matte.HEIGHT, matte.WIDTH

    def drawn(self, generator: torch.Generator, *, spoiled: bool) -> Batch:
        batch = self.crops(generator, spoiled=spoiled)
        points = batch["points"][..., :3]
        if spoiled:  # found points are never exact
            noise = torch.randn(points.shape, generator=generator, device=self.device)
            points = points + noise * points.new_tensor([1.5, 1.5, 0])
        return batch | {"limbs": draw_limbs(points, self.height, self.width)}

    def loss(self, batch: Batch) -> Tensor:
        assert isinstance(self.model, matte.MatteNet)
        return matte.matte_loss(self.model.logits(batch["pictures"], batch["limbs"]), batch["mattes"])

    def error(self, batch: Batch) -> Tensor:
        covered: Tensor = self.model(batch["pictures"], batch["limbs"])
        found, truth = covered > 0.5, batch["mattes"] > 0.5
        both, either = (found & truth).flatten(1).sum(1), (found | truth).flatten(1).sum(1)
        return 1 - (both / either.clamp(min=1)).mean()


class PoseMeterTask(_CropTask):
    rate = 1e-3
    name, ships, error_unit = (
        "pose_meter",
        False,
        "mean distance of the points seen, in percent of the crop's height",
    )
    height = width = meters.POSE_SIZE

    def drawn(self, generator: torch.Generator, *, spoiled: bool) -> Batch:
        return self.crops(generator, spoiled=spoiled)

    def loss(self, batch: Batch) -> Tensor:
        points = batch["points"]
        return meters.pose_meter_loss(self.model(batch["pictures"]), points[..., [0, 1, 3]])

    def error(self, batch: Batch) -> Tensor:
        points = batch["points"]
        there = (points[..., 3] > 0) & ((points[..., :2] >= 0) & (points[..., :2] < self.width)).all(-1)
        apart = self.model(batch["pictures"])[..., :2].float() - points[..., :2]
        return _mean_percent(apart, there, self.height)


class ExpressionMeterTask(NetTask):
    rate = 1e-3
    name, ships, error_unit = "expression_meter", False, "mean error in percent of each parameter's range"
    batch = 256

    def drawn(self, generator: torch.Generator, *, spoiled: bool) -> Batch:
        rows, row, _ = self.source.draw(self.count, generator)
        boxes = face_crop_boxes(rows.points[row, 0], rows.pictures.shape[-1])
        expression = rows.expression[row]
        if spoiled:
            boxes = jittered(boxes, generator, shift=0.05, scale=0.12)
        pictures = cut(
            _floats(rows.pictures[row]), boxes, meters.FACE_SIZE, meters.FACE_SIZE, padding="border"
        )
        if spoiled:
            mirrored = torch.rand(self.count, generator=generator, device=self.device) < 0.5
            pictures = torch.where(mirrored[:, None, None, None], pictures.flip(-1), pictures)
            expression = torch.where(mirrored[:, None], mirror_expression(expression), expression)
            pictures = spoil(pictures, generator)
        return {"pictures": pictures, "expression": expression}

    def loss(self, batch: Batch) -> Tensor:
        weight = torch.ones(len(batch["pictures"]), device=self.device)
        return meters.expression_loss(self.model(batch["pictures"]), batch["expression"], weight)

    def error(self, batch: Batch) -> Tensor:
        found: Tensor = self.model(batch["pictures"]).float()
        far = (found - batch["expression"]).abs()
        return 100 * (far / far.new_tensor(meters.RANGE)).mean()


def mirror_expression(expression: Tensor) -> Tensor:
    """(N, 8): the gaze turned, the brows swapped."""
    swapped = expression[:, [0, 1, 2, 3, 4, 5, 7, 6]]
    return swapped * swapped.new_tensor([1, 1, 1, -1, 1, 1, 1, 1])


TASKS: dict[str, tuple[type[NetTask], Callable[[], nn.Module], Callable[[Rows], Tensor]]] = {
    "detector": (DetectorTask, detector.Detector, nothing_left_out),
    "pose": (PoseTask, pose.PoseNet, somebody),
    "matte": (MatteTask, matte.MatteNet, somebody_softly),
    "pose_meter": (PoseMeterTask, meters.PoseMeter, somebody),
    "expression_meter": (ExpressionMeterTask, meters.ExpressionMeter, faces),
}


def build_task(name: str, pool: Pool, device: torch.device, batch: int | None = None) -> NetTask:
    """The task called *name*. Raises KeyError for one that is not in TASKS."""
    kind, net, wanted = TASKS[name]
    return kind(net(), Source(pool, wanted), device, batch)
