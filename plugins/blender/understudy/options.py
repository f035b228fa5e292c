# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist chooses for a swap. It lies in the scene, and is saved with the .blend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ._api.sampling import FOUR_STEP_STRENGTH, LORA_STRENGTH
from .people import Person
from .quality import Quality
from .ranges import ClipRange
from .request import USUAL_EDGES, Mode

MOST_PROMPT_LETTERS = 2000  # as the server has it
QUALITIES = (
    (
        Quality.PREVIEW,
        "Preview",
        "The quickest look: four steps where the model has learnt them, otherwise half of its own, "
        "and pictures no larger than 832 x 480 inside the model",
    ),
    (Quality.STANDARD, "Standard", "The model's own steps and size: what it was made for"),
    (Quality.BEST, "Best", "Twice the model's own steps: twice the time, for a shot that is to stay"),
)


def file(name: str, description: str) -> Any:
    return StringProperty(name=name, description=description, subtype="FILE_PATH")


def growth(option: str, name: str, description: str, least: int = 0) -> Any:
    return IntProperty(name=name, description=description, default=USUAL_EDGES[option], min=least, max=256)


class Choices:
    """What an operator may be told for one job; where it says nothing, the scene's choice counts."""

    quality: EnumProperty(
        name="Quality",
        description="How carefully each frame is made, and so how long it takes",
        items=[(quality.value, name, text) for quality, name, text in QUALITIES],
        default=Quality.STANDARD.value,
    )
    relight_strength: FloatProperty(
        name="Light",
        description="How far the character takes on the light of the clip. Lower it when the character's own "
        "colours should stay. Replace alone",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    seed: IntProperty(
        name="Seed",
        description="Another seed is another take of the same shot; the same seed makes the same pictures",
        default=0,
        min=0,
    )
    prompt: StringProperty(
        name="Prompt",
        description="What the picture shows, in words, for models that read them; empty: the model's own, which suits "
        "most shots. The clip and the picture say far more",
        maxlen=MOST_PROMPT_LETTERS,
    )
    person: StringProperty(
        name="Person",
        description="Whom the character follows, by the names that Find People gives, such as A or A,C; "
        "empty: who takes up most of each shot",
    )
    passes_folder: StringProperty(
        name="Passes",
        description="A folder that holds passes of the clip: keypoints.json, matte.mkv, face_boxes.json, …",
        subtype="DIR_PATH",
    )
    matte: file("Matte", "White is the person to be replaced; empty: found in the clip")
    keypoints: file("Keypoints", "Whole-body keypoints of the performer, as JSON; empty: found in the clip")
    pose: file("Skeleton", "A drawn skeleton, as a movie; it is followed instead of keypoints")
    face_boxes: file("Face Boxes", "Where the face is in each frame, as JSON; empty: found in the clip")
    garbage: file(
        "Garbage Mask",
        "White is where nobody is replaced, whatever the matte says: it takes away what was caught "
        "by mistake. Replace alone",
    )
    keep: file(
        "Keep Mask",
        "White stays the clip's own picture, bit for bit: a glass or a post in front of the person. "
        "Replace alone",
    )
    background: file("Clean Plate", "The clip without the person, where you have one; Replace alone")
    grow_px: growth(
        "grow_px",
        "Grow",
        "How far the matte grows before the model fills it, in its own pixels: room for a character "
        "that is wider than the person. Replace alone",
    )
    grow_hair_px: growth(
        "grow_hair_px", "Hair", "How far it grows around hair and head; -1: as everywhere", least=-1
    )
    grow_clothes_px: growth(
        "grow_clothes_px", "Clothes", "How far it grows around clothes and limbs; -1: as everywhere", least=-1
    )
    soften_px: FloatProperty(
        name="Soft Edge",
        description="Width of the soft edge between character and clip, in pixels of the clip. Replace alone",
        default=USUAL_EDGES["soften_px"],
        min=0.0,
        max=64.0,
    )
    four_step_strength: FloatProperty(
        name="Four-Step Strength",
        description="How far the LoRA counts by which Preview makes four steps: less is nearer to the model's own "
        "look, and softer",
        default=1.0,
        min=FOUR_STEP_STRENGTH[0],
        max=FOUR_STEP_STRENGTH[1],
        step=5,
    )
    steps: IntProperty(
        name="Steps",
        description="Denoising steps of each part, instead of what Quality says; 0 leaves it to Quality",
        default=0,
        min=0,
        max=100,
    )


CHOICES = tuple(Choices.__annotations__)
PASSES = ("matte", "keypoints", "pose", "face_boxes", "garbage", "keep", "background")
OF_REPLACE = ("garbage", "keep")  # which Animate knows nothing of


class UNDERSTUDY_PG_person(bpy.types.PropertyGroup):
    """Somebody whom an analysis has found in the clip. ``name`` is theirs: A, B, C."""

    picture: StringProperty()  # the file of their thumbnail
    shot_start: IntProperty()
    shot_end: IntProperty()
    frames_seen: IntProperty()
    character: PointerProperty(
        type=bpy.types.Image,
        name="Character",
        description="Who takes this person's place. Left empty, this person stays as they are",
    )


class UNDERSTUDY_PG_lora(bpy.types.PropertyGroup):
    """A LoRA of the artist's own. ``name`` is the server's."""

    strength: FloatProperty(
        name="Strength",
        description="How far this LoRA bends the model: 1 is as it was trained, 0 leaves it out, below 0 turns it "
        "round",
        default=1.0,
        min=LORA_STRENGTH[0],
        max=LORA_STRENGTH[1],
        soft_min=0.0,
        soft_max=2.0,
        step=5,
    )


class UNDERSTUDY_PG_options(Choices, bpy.types.PropertyGroup):
    character: PointerProperty(
        type=bpy.types.Image,
        name="Character",
        description="The character's picture. A selected image strip counts before it",
    )
    handles: IntProperty(
        name="Handles",
        description="Frames made beyond both ends of the cut, as far as the clip goes: so that the cut can still "
        "be moved",
        default=0,
        min=0,
        soft_max=48,
    )
    layer_character: BoolProperty(
        name="Character with Alpha",
        description="Also put the character alone, over nothing, on a channel of its own. Replace alone",
    )
    layer_matte: BoolProperty(
        name="Matte", description="Also put the matte that was used on a channel of its own"
    )
    layer_pose: BoolProperty(
        name="Skeleton", description="Also put the skeleton that was followed on a channel of its own"
    )
    loras: CollectionProperty(type=UNDERSTUDY_PG_lora)
    people: CollectionProperty(type=UNDERSTUDY_PG_person)
    people_of: StringProperty()  # the clip and range that they were found in: people.key_of
    analysis: StringProperty()  # that found them: "analyses/…"


def passes_for(mode: Mode) -> tuple[str, ...]:
    """The options that are passes of a job."""
    return tuple(name for name in PASSES if mode is Mode.REPLACE or name not in OF_REPLACE)


def names_of(person: str) -> tuple[str, ...]:
    """The names in the option *person*."""
    return tuple(name for each in person.split(",") if (name := each.strip().upper()))


def loras_of(options: UNDERSTUDY_PG_options) -> dict[str, float]:
    """The strengths of those LoRAs that count, by name."""
    return {lora.name: lora.strength for lora in options.loras if lora.strength}


def pictures(
    options: UNDERSTUDY_PG_options, file_of: Callable[[bpy.types.Image], Path | None]
) -> Iterator[tuple[str, ClipRange, Path]]:
    """Name, shot and picture of each person who has a character of their own and a file by *file_of*."""
    for person in options.people:
        if person.character and (path := file_of(person.character)):
            yield person.name, ClipRange(person.shot_start, person.shot_end), path


def set_people(options: UNDERSTUDY_PG_options, people: tuple[Person, ...], key: str, analysis: str) -> None:
    """Takes in who was found; characters that people of the same clip and range have stay theirs."""
    kept = {}
    if options.people_of == key:
        kept = {person.name: person.character for person in options.people}
    options.people.clear()
    for person in people:
        item = options.people.add()
        item.name, item.picture = person.name, str(person.picture)
        item.shot_start, item.shot_end = person.shot
        item.frames_seen = person.frames_seen
        item.character = kept.get(person.name)
    options.people_of, options.analysis = key, analysis
    known = {person.name for person in people}
    options.person = ",".join(name for name in names_of(options.person) if name in known)


_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (UNDERSTUDY_PG_person, UNDERSTUDY_PG_lora, UNDERSTUDY_PG_options)
)


def register() -> None:
    _register_classes()
    bpy.types.Scene.understudy = PointerProperty(type=UNDERSTUDY_PG_options)


def unregister() -> None:
    del bpy.types.Scene.understudy
    _unregister_classes()
