"""The sets of a batch of clips, ready to be filmed frame by frame: everything random is already drawn.

Slots: people 0 (the driver) to PEOPLE - 1, then the character. A row is one slot of one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from .background import Canvases, paint_places
from .camera import View, level_view, views
from .crowd import Places, stack_places
from .film import Figures, Takes, compose, film, to_bytes, visible
from .framing import Framing
from .ground import cast_shadows
from .keypoints import face_boxes
from .light import LightRows, light_rows
from .look import look_rows
from .occluders import OccluderCanvases, paint_occluders
from .performance import poses, stack_performances
from .pose import Expression, Pose
from .proportions import rows, stack_proportions, with_joints_of
from .score import Scores
from .script import FRAMES_A_SECOND, Person, Script, write_script

PEOPLE = 3
CHARACTER = PEOPLE  # its slot
FRAMES_AT_ONCE, GPU_FRAMES_AT_ONCE = (
    2,
    96,
)  # a call of film is some 6,500 tensor operations, however many frames
BARELY = 1 / 512  # coverage below which nobody sees a thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """B clips. People are counted through the batch: those of the first clip, then its character, and so on."""

    scripts: tuple[Script, ...]
    figures: Figures  # (C) of all people
    performances: Scores  # (C) the characters give their drivers'
    sitters: Figures  # (B) the characters with their own bodies, as their pictures show them
    placed: Places  # (C)
    number: Tensor  # (B, PEOPLE + 1) of each slot among the C, -1 where nobody is
    order: Tensor  # (B, PEOPLE) slots from far to near
    base: View  # (B)
    picture_base: View  # (B)
    lights: LightRows  # (B)
    picture_lights: LightRows  # (B)
    places: Canvases
    papers: Canvases | None  # around the pictures' views, where truths or pictures are wanted
    occluders: OccluderCanvases
    truths: bool
    pictures: bool  # of the characters

    @property
    def device(self) -> torch.device:
        return self.number.device

    @property
    def frames_at_once(self) -> int:
        return FRAMES_AT_ONCE if self.device.type == "cpu" else GPU_FRAMES_AT_ONCE

    @property
    def framing(self) -> Tensor:
        return torch.tensor(
            [script.framing.shot for script in self.scripts], dtype=torch.uint8, device=self.device
        )

    def film(self, clip: Tensor, frame: Tensor, *, clean: bool) -> dict[str, Tensor]:
        """What a batch says of frames *frame* (F,) of clips *clip* (F,), by the names of ClipBatch.

        Memory: about 3.5 MB a row of 256 x 256, and 0.5 GB at most for drawing.
        """
        seconds = frame / FRAMES_A_SECOND
        view = views([script.camera for script in self.scripts], self.base, clip, seconds)
        present = self.number[clip] >= 0  # (F, slots)
        if not self.truths:
            present[:, CHARACTER] = False
        at, slot = torch.nonzero(present).unbind(1)
        cast = _Cast(self.number[clip], at, slot)
        takes, pose, shadows = self._perform(clip[at], slot, seconds[at], view.at(at))
        colours, covers, light_left = (cast.slots(v) for v in (takes.colours[0], takes.cover, shadows))
        everybody = cast.slots(takes.keypoints)
        keypoints = everybody[:, :PEOPLE]
        front = self.occluders.seen_by(view, clip, seconds, _hand(keypoints[:, 0], view))
        order, ground = self.order[clip], self.places.seen_by(view, clip)
        ground = ground * _left(light_left[:, 1:PEOPLE], present[:, 1:PEOPLE])
        shadowed = ground * _left(light_left[:, :1], present[:, :1])
        seen = visible(covers[:, :PEOPLE], order) * (1 - front[:, 3:])
        found = {
            "plate": _picture(shadowed, colours, covers, order, front),
            "matte": _any(seen[:, 0]),
            "people_mattes": (seen * 255).round().to(torch.uint8),
            "keypoints": keypoints,
            "face_boxes": face_boxes(keypoints[:, 0], view.size),
            "expression": _expression(pose)[slot == 0],
        }
        if clean:
            nobody = torch.zeros_like(covers[:, :1])
            found["clean_plate"] = _picture(
                ground,
                *_instead(colours, covers, nobody[:, :, None].expand_as(colours[:, :1]), nobody),
                order,
                front,
            )
        if self.truths:
            own = cast.slots(takes.colours[1])[:, CHARACTER]
            parts = takes.parts[slot == CHARACTER]
            found["truth_keypoints"] = everybody[:, CHARACTER]
            found |= self._truths(clip, shadowed, colours, covers, order, front, own, parts)
        return found

    def _truths(
        self,
        clip: Tensor,
        ground: Tensor,
        colours: Tensor,
        covers: Tensor,
        order: Tensor,
        front: Tensor,
        own_light: Tensor,
        parts: Tensor,
    ) -> dict[str, Tensor]:
        """The three results, with the character in the driver's slot. The driver's shadow stays: it lies in the
        plate, outside the driver, where nothing may change."""
        cover = covers[:, CHARACTER:]
        swapped = _instead(colours, covers, colours[:, CHARACTER:], cover)
        unlit = _instead(colours, covers, own_light[:, None], cover)
        seen = (visible(swapped[1], order) * (1 - front[:, 3:]))[:, 0]
        paper = self._paper(clip)
        return {
            "truth_replace": _picture(ground, *swapped, order, front),
            "truth_unlit": _picture(ground, *unlit, order, front),
            "truth_animate": to_bytes(paper * (1 - cover) + own_light),
            "truth_matte": _any(seen),
            "animate_matte": _any(cover[:, 0]),
            "truth_parts": torch.where(seen > BARELY, parts, 0),
        }

    def _perform(self, clip: Tensor, slot: Tensor, seconds: Tensor, view: View) -> tuple[Takes, Pose, Tensor]:
        """Rows of people who perform, in the plate's light and, where truths are wanted, their picture's; how; and
        what their shadows leave of the ground's light, (N, 1, S, S)."""
        person = self.number[clip, slot]
        # The character stands where the driver stands.
        own = _own_view(view, rows(self.placed, self.number[clip, slot % CHARACTER]))
        pose = poses(self.performances, person, seconds)
        lights = [self.lights.at(clip)]
        if self.truths:
            lights.append(self.picture_lights.at(clip))
        takes = film(_some(self.figures, person), pose, own, lights)
        floored, wall_away = self.places.floored[clip], self.places.wall_away[clip]
        return takes, pose, cast_shadows(takes.cover, own, lights[0], floored, wall_away)

    def _paper(self, clip: Tensor) -> Tensor:
        """The grounds of the character pictures of clips *clip* (F,), (F, 3, S, S)."""
        if self.papers is None:
            raise ValueError("this scene was built without character pictures")
        return self.papers.seen_by(self.picture_base.at(clip), clip)

    def character_pictures(self) -> dict[str, Tensor]:
        """The character pictures (B, 3, S, S), with their keypoints and mattes; all 0 if not wanted."""
        count, size = len(self.scripts), self.base.size
        if not self.pictures:
            nothing = torch.zeros((count, 4, size, size), dtype=torch.uint8, device=self.device)
            points = torch.zeros((count, 133, 3), device=self.device)
            return _character(nothing[:, :3], points, nothing[:, 3])
        found = []
        standing = stack_performances([s.character.performance for s in self.scripts], self.device)
        for clip in torch.arange(count, device=self.device).split(self.frames_at_once):
            view = self.picture_base.at(clip)
            pose = poses(standing, clip, torch.zeros(len(clip), device=self.device))
            takes = film(_some(self.sitters, clip), pose, view, [self.picture_lights.at(clip)])
            paper = self._paper(clip) * (1 - takes.cover)[:, None]
            found.append((to_bytes(paper + takes.colours[0]), takes.keypoints, _any(takes.cover)))
        return _character(*(torch.cat(column) for column in zip(*found, strict=True)))


def build_scene(
    seeds: Sequence[int], *, frames: int, size: int, device: torch.device, truths: bool, pictures: bool
) -> Scene:
    scripts = tuple(write_script(seed, frames) for seed in seeds)
    cast: list[Person] = []
    number = torch.full((len(scripts), PEOPLE + 1), -1)
    order = torch.zeros((len(scripts), PEOPLE), dtype=torch.long)
    for clip, script in enumerate(scripts):
        for slot, person in (*enumerate(script.people), (CHARACTER, _stand_in(script))):
            number[clip, slot] = len(cast)
            cast.append(person)
        depths = [person.place.z for person in script.people] + [-1e3] * (PEOPLE - len(script.people))
        order[clip] = torch.tensor(depths).argsort(stable=True)
    lights = light_rows([script.light for script in scripts], device)
    picture_lights = light_rows([script.picture_light for script in scripts], device)
    base = _base_view([script.framing for script in scripts], size, device)
    picture_base = _base_view([script.picture_framing for script in scripts], size, device)
    papers = None
    if truths or pictures:
        papers = paint_places([script.paper for script in scripts], picture_lights, picture_base)
    return Scene(
        scripts=scripts,
        figures=_figures(cast, device),
        sitters=_figures([script.character for script in scripts], device),
        performances=stack_performances([person.performance for person in cast], device),
        placed=stack_places([person.place for person in cast], device),
        number=number.to(device),
        order=order.to(device),
        base=base,
        picture_base=picture_base,
        lights=lights,
        picture_lights=picture_lights,
        places=paint_places([script.place for script in scripts], lights, base),
        papers=papers,
        occluders=paint_occluders([script.occluder for script in scripts], lights, base),
        truths=truths,
        pictures=pictures,
    )


def _figures(people: Sequence[Person], device: torch.device) -> Figures:
    bodies = stack_proportions([person.body for person in people], device)
    return Figures(bodies, look_rows([person.look for person in people], device))


def _some(figures: Figures, number: Tensor) -> Figures:
    return Figures(rows(figures.body, number), figures.look.at(number))


def _stand_in(script: Script) -> Person:
    """The character as it gives the driver's performance, in the driver's place and on the driver's skeleton.

    A model that follows poses without retargeting makes this: its joints are where the driver's are.
    """
    driver = script.people[0]
    body = with_joints_of(script.character.body, driver.body)
    return replace(script.character, body=body, performance=driver.performance, place=driver.place)


def _base_view(framings: Sequence[Framing], size: int, device: torch.device) -> View:
    table = torch.tensor([[f.heads_high, f.left, f.top] for f in framings]).to(device)
    heads, left, top = table.unbind(1)
    return level_view(size / heads, left, top, size)


def _own_view(view: View, placed: Places) -> View:
    """The view in which a figure's own coordinates are those of the placed one in *view*."""
    left, top, heads = placed.window(view.left, view.top, view.size / view.scale)
    return replace(view, scale=view.size / heads, left=left, top=top)


@dataclass(frozen=True, slots=True)
class _Cast:
    """Which rows are which slots of which frames."""

    number: Tensor  # (F, slots)
    at: Tensor  # (N,)
    slot: Tensor  # (N,)

    def slots(self, values: Tensor) -> Tensor:
        """Rows (N, ...) -> (F, slots, ...), 0 where nobody is."""
        out = values.new_zeros((*self.number.shape, *values.shape[1:]))
        out[self.at, self.slot] = values
        return out


def _instead(colours: Tensor, covers: Tensor, colour: Tensor, cover: Tensor) -> tuple[Tensor, Tensor]:
    """The people's layers with another one in the driver's slot."""
    return torch.cat([colour, colours[:, 1:PEOPLE]], dim=1), torch.cat([cover, covers[:, 1:PEOPLE]], dim=1)


def _picture(ground: Tensor, colours: Tensor, covers: Tensor, order: Tensor, front: Tensor) -> Tensor:
    return to_bytes(compose(ground, colours, covers, order) * (1 - front[:, 3:]) + front[:, :3])


def _left(light: Tensor, present: Tensor) -> Tensor:
    """What all shadows (F, K, 1, S, S) together leave of the light, (F, 1, S, S)."""
    return torch.where(present[:, :, None, None, None], light, 1.0).prod(dim=1)


def _hand(keypoints: Tensor, view: View) -> Tensor:
    """The middle of each driver's right hand in the studio, (F, 2)."""
    pixels = keypoints[:, 112:, :2].mean(dim=1)
    with_one = torch.cat([pixels, torch.ones_like(pixels[:, :1])], dim=1)
    return (view.to_studio() @ with_one[..., None])[..., 0]


def _expression(pose: Pose) -> Tensor:
    """(N, 8) in the order of ClipBatch."""
    return torch.stack([getattr(pose.expression, f.name) for f in fields(Expression)], dim=-1)


def _any(cover: Tensor) -> Tensor:
    return (cover > BARELY).to(torch.uint8) * 255


def _character(picture: Tensor, keypoints: Tensor, matte: Tensor) -> dict[str, Tensor]:
    return {"character": picture, "character_keypoints": keypoints, "character_matte": matte}
