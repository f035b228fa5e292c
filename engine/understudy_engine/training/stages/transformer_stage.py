"""A stage after the VAE, from its numbers."""

from __future__ import annotations

from dataclasses import replace

from .flow_task import FlowCourse, FlowTask
from .stage import Setup, Stage, StageTask
from .trainer import Recipe


def stage_of(course: FlowCourse, recipe: Recipe, task: type[FlowTask] = FlowTask) -> Stage:
    def build(setup: Setup) -> StageTask:
        chosen = toy_course(course) if setup.toy else course
        wished = replace(
            chosen,
            batch=setup.batch or chosen.batch,
            first_clips=setup.clips or chosen.first_clips,
            frames=setup.frames or chosen.frames,
            render_share=chosen.render_share if setup.render_share is None else setup.render_share,
        )
        return task(setup, wished)

    return Stage(name=course.name, recipe=recipe, build=build)


def toy_course(course: FlowCourse) -> FlowCourse:
    """The same in seconds on a CPU."""
    return replace(course, batch=4, bank_clips=6, first_clips=4, more_clips=1, asked_every=5)
