# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel an artist keeps open: clip, character, Replace, Animate, who, how, and the server."""

from __future__ import annotations

from typing import Any

import bpy

from .. import character, compat, listening, options, selection
from .._api.spoken import bytes_text, seconds_text
from ..character import Shown
from ..desk import desk
from ..estimates import Estimate
from ..live import About, State
from ..operators.fixes import FIXES, fix_for
from ..operators.people import (
    UNDERSTUDY_OT_choose_person,
    UNDERSTUDY_OT_find_people,
    UNDERSTUDY_OT_stop_finding,
)
from ..operators.server import (
    UNDERSTUDY_OT_show_notice,
    UNDERSTUDY_OT_start_server,
    UNDERSTUDY_OT_stop_server,
)
from ..operators.swap import UNDERSTUDY_OT_animate, UNDERSTUDY_OT_replace
from ..preferences import server_choice
from ..quality import Quality
from ..ranges import Refusal, plays_one_to_one
from ..selection import Selected
from ..thumbnails import thumbnails
from ..translations import words
from .parts import GREEN, GREY, RED, YELLOW, SidebarPanel, complain, dot, write

PICTURE_SCALE = 3.5  # of a row's height
PERSON_SCALE = 2.5
PEOPLE_A_ROW = 4


class UNDERSTUDY_PT_swap(SidebarPanel, bpy.types.Panel):
    bl_label = "Understudy"

    def draw(self, context: bpy.types.Context) -> None:
        listening.begin(context)
        layout = self.layout
        scene = compat.sequencer_scene(context)
        chosen: Selected | None = None
        trouble = Refusal("Add a movie strip to the sequencer to begin.")
        if scene is not None and selection.has_strips(scene):
            try:
                chosen = selection.selected(scene)
            except Refusal as refusal:
                trouble = refusal
        _draw_pictures(layout, scene, chosen)
        _draw_verbs(layout, chosen)
        if chosen is None:
            write(layout.column(align=True), words(str(trouble)), context, icon="INFO")
            if trouble.fix in FIXES:
                fix = FIXES[trouble.fix]
                layout.operator(fix.operator, text=fix.text, icon=fix.icon)
        elif desk.trouble is not None and desk.trouble.selected == selection.names(scene):
            complain(layout, desk.trouble.text, context, FIXES.get(desk.trouble.fix))
        if scene is not None:
            _draw_who(layout, scene.understudy, chosen, context)
            _draw_how(layout, scene, chosen, context)
        _draw_server(layout, desk.about, context)


# ---- Clip and character ----------------------------------------------------------------------------------


def _draw_pictures(
    layout: bpy.types.UILayout, scene: bpy.types.Scene | None, chosen: Selected | None
) -> None:
    halves = layout.split(factor=0.5)
    _draw_clip(halves.column(align=True), chosen)
    if scene is not None:
        _draw_character(halves.column(align=True), scene)


def _draw_clip(column: bpy.types.UILayout, chosen: Selected | None) -> None:
    if chosen is None:
        column.template_icon(icon_value=_icon("FILE_MOVIE"), scale=PICTURE_SCALE)
        _centred(column, text="No Clip")
        return
    icon = thumbnails().icon(chosen.clip, "MOVIE") if chosen.clip else _icon("SCENE_DATA")
    column.template_icon(icon_value=icon, scale=PICTURE_SCALE)
    _centred(column, text=chosen.name, translate=False)
    rate = f"{chosen.rate:.3f}".rstrip("0").rstrip(".")
    _centred(column, text=words("{0} frames, {1} fps", chosen.length, rate), translate=False)


def _centred(column: bpy.types.UILayout, **label: Any) -> None:
    row = column.row()
    row.alignment = "CENTER"
    row.label(**label)


def _draw_character(column: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    shown = character.shown(scene) if scene.sequence_editor else None
    column.template_icon(icon_value=_character_icon(scene, shown), scale=PICTURE_SCALE)
    if shown is not None and shown.from_strip:
        _centred(column, text=shown.name, translate=False)
        _centred(column, text="Selected Strip")
    else:
        draw_picker(column, scene.understudy)
        _centred(column, text="Character")


def _character_icon(scene: bpy.types.Scene, shown: Shown | None) -> int:
    if shown is None:
        return _icon("OUTLINER_OB_ARMATURE")
    if shown.path is not None:
        return thumbnails().icon(shown.path)
    return bpy.types.UILayout.icon(scene.understudy.character)


def draw_picker(
    layout: bpy.types.UILayout, owner: options.UNDERSTUDY_PG_options | options.UNDERSTUDY_PG_person
) -> None:
    """An Image to choose, or a file."""
    row = layout.row(align=True)
    row.prop(owner, "character", text="")
    browse = row.operator("understudy.choose_character", text="", icon="FILEBROWSER")
    if isinstance(owner, options.UNDERSTUDY_PG_person):
        browse.person = owner.name


def _draw_verbs(layout: bpy.types.UILayout, chosen: Selected | None) -> None:
    row = layout.row(align=True)
    row.scale_y = 1.6
    row.enabled = chosen is not None
    row.operator(UNDERSTUDY_OT_replace.bl_idname, icon="OUTLINER_OB_ARMATURE")
    row.operator(UNDERSTUDY_OT_animate.bl_idname, icon="ARMATURE_DATA")


# ---- Who -------------------------------------------------------------------------------------------------


def _draw_who(
    layout: bpy.types.UILayout,
    picked: options.UNDERSTUDY_PG_options,
    chosen: Selected | None,
    context: bpy.types.Context,
) -> None:
    known = chosen is not None and bool(picked.people) and picked.people_of == chosen.key
    if known:
        _draw_people(layout, picked)
    search = desk.search
    if desk.finder is not None:
        row = layout.row(align=True)
        row.progress(
            factor=search.fraction if search else 0.0, text=search.text if search else "asking the server"
        )
        row.operator(UNDERSTUDY_OT_stop_finding.bl_idname, text="", icon="X")
    elif not known:
        row = layout.row()
        row.enabled = chosen is not None and chosen.frames is not None
        row.operator(UNDERSTUDY_OT_find_people.bl_idname, icon="COMMUNITY")
    if search is not None and search.failed:
        complain(layout, search.text, context, fix_for(search.reason, context))


def _draw_people(layout: bpy.types.UILayout, picked: options.UNDERSTUDY_PG_options) -> None:
    if len(picked.people) == 1:
        row = layout.row(align=True)
        icon = thumbnails().icon(picked.people[0].picture)
        row.label(text="One person is in the clip", icon_value=icon)
        return
    main = options.names_of(picked.person) or (picked.people[0].name,)
    columns = min(PEOPLE_A_ROW, max(2, len(picked.people)))
    grid = layout.grid_flow(columns=columns, row_major=True, even_columns=True, align=True)
    for person in picked.people:
        card = grid.column(align=True)
        card.template_icon(icon_value=thumbnails().icon(person.picture), scale=PERSON_SCALE)
        choose = card.operator(
            UNDERSTUDY_OT_choose_person.bl_idname,
            text=person.name,
            depress=person.name in main,
            icon_value=_character_of(person),
        )
        choose.name = person.name


def _character_of(person: options.UNDERSTUDY_PG_person) -> int:
    """The icon of who takes this person's place, if they have a character of their own."""
    path = character.path_of(person.character) if person.character else None
    return thumbnails().icon(path) if path else 0


# ---- How -------------------------------------------------------------------------------------------------


def _draw_how(
    layout: bpy.types.UILayout, scene: bpy.types.Scene, chosen: Selected | None, context: bpy.types.Context
) -> None:
    picked = scene.understudy
    column = layout.column(align=True)
    column.row(align=True).prop(picked, "quality", expand=True)
    _draw_costs(column, scene, chosen, context)
    column = layout.column(align=True)
    column.prop(picked, "relight_strength", text="Light", slider=True)
    row = column.row(align=True)
    row.prop(picked, "seed")
    row.prop(picked, "handles")


def _draw_costs(
    column: bpy.types.UILayout, scene: bpy.types.Scene, chosen: Selected | None, context: bpy.types.Context
) -> None:
    """Seconds under each quality, and what the chosen one needs."""
    if chosen is not None and chosen.frames is None:
        _centred(column, text="Blender renders this strip first")
        if chosen.clip and not plays_one_to_one(chosen.rate, scene.render.fps / scene.render.fps_base):
            column.operator("understudy.match_rate", icon=FIXES["match_rate"].icon)
    if chosen is None or desk.about.state is not State.READY:
        return
    first = Quality(scene.understudy.quality)
    asked = [first, *(quality for quality in Quality if quality is not first)]
    questions = [selection.question(scene, chosen, desk.mode, quality) for quality in asked]
    wanted = {quality: each for quality, each in zip(asked, questions, strict=True) if each is not None}
    if not wanted:
        return
    estimator = listening.estimator()
    estimator.want(server_choice(context), tuple(wanted.values()))
    answers = {quality: estimator.answer(each) for quality, each in wanted.items()}
    if any(answer is not None and answer.seconds for answer in answers.values()):
        cells = column.grid_flow(columns=len(Quality), row_major=True, even_columns=True, align=True)
        for quality in Quality:
            _centred(cells.column(), text=_seconds(answers[quality]), translate=False)
    if (answer := answers[first]) is None:
        _centred(column, text="Asking what it needs")
    elif answer.trouble:
        complain(column, answer.trouble, context, fix_for(answer.reason, context))
    else:
        line = column.row()
        line.alignment = "CENTER"
        line.alert = (
            answer.memory_bytes > answer.memory_free_bytes or answer.disk_bytes > answer.disk_free_bytes
        )
        line.label(text=_needs(answer), translate=False)


def _seconds(answer: Estimate | None) -> str:
    if answer is None:
        return "…"
    return seconds_text(answer.seconds) if answer.seconds else "–"


def _needs(answer: Estimate) -> str:
    if answer.disk_bytes > answer.disk_free_bytes:
        said = [words("{0} of disk, {1} free", *map(bytes_text, (answer.disk_bytes, answer.disk_free_bytes)))]
    else:
        memory = map(bytes_text, (answer.memory_bytes, answer.memory_free_bytes))
        said = [words("{0} of {1} free", *memory)]
    said.append(words("1 part") if answer.parts == 1 else words("{0} parts", answer.parts))
    if answer.jobs_ahead:
        said.append(words("{0} ahead", answer.jobs_ahead))
    return ", ".join(said)


# ---- Server ----------------------------------------------------------------------------------------------

LINES = {
    State.UNKNOWN: "Nobody has asked yet",
    State.ASKING: "Looking for the server",
    State.STARTING: "The server is starting",
    State.STOPPING: "The server finishes its part",
    State.AWAY: "No server runs",
    State.REFUSED: "The server cannot be used",
}
SAID_BESIDE_START = ("PROGRAM_MISSING", "SERVER_NOT_STARTED")
DOTS = {State.READY: GREEN, State.AWAY: RED, State.REFUSED: RED, State.UNKNOWN: GREY}


def _draw_server(layout: bpy.types.UILayout, about: About, context: bpy.types.Context) -> None:
    column = layout.column(align=True)
    row = column.row(align=True)
    row.label(text=_server_line(about), icon=dot(DOTS.get(about.state, YELLOW)), translate=False)
    remote = bool(server_choice(context).address)
    if about.notice:
        row.operator(UNDERSTUDY_OT_show_notice.bl_idname, text="", icon="INFO", emboss=False)
    if about.state is State.READY and not remote:
        row.operator(UNDERSTUDY_OT_stop_server.bl_idname, text="", icon="QUIT", emboss=False)
    elif about.state is State.AWAY and not remote:
        row.operator(UNDERSTUDY_OT_start_server.bl_idname, text="Start", icon="PLAY")
    if about.state is State.READY:
        if about.text:
            write(column, about.text, context, icon="INFO")
        if about.notice and desk.notice_read != about.notice:
            write(column, about.notice, context)
    elif about.state is State.REFUSED or about.reason in SAID_BESIDE_START:
        complain(column, about.text, context, fix_for(about.reason, context))


def _server_line(about: About) -> str:
    if about.state is not State.READY:
        return words(LINES[about.state])
    work = words("{0} waiting", about.queued) if about.queued else words("busy" if about.busy else "idle")
    if not about.device:  # a server that has just started does not know yet
        return words("{0}, {1}", about.model, work)
    return words("{0} on {1}, {2}", about.model, about.device, work)


def _icon(name: str) -> int:
    """The number of one of Blender's own icons."""
    return bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items[name].value
