"""What figures do: every kind of performance, by every kind of body."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from understudy_engine.training.studio.choreography import Kind
from understudy_engine.training.studio.figure import Limb, Skeleton, pose_skeleton
from understudy_engine.training.studio.framing import Shot, sample_framing
from understudy_engine.training.studio.geometry import unit
from understudy_engine.training.studio.keypoints import face_boxes, whole_body
from understudy_engine.training.studio.performance import (
    Performance,
    poses,
    random_performance,
    sample_performance,
    sample_standing,
    stack_performances,
)
from understudy_engine.training.studio.pose import Pose
from understudy_engine.training.studio.proportions import (
    FLOOR_Y,
    SKULL_TOP,
    STATURE,
    rows,
    sample_proportions,
    stack_proportions,
)

SECONDS = 3.0
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(list(Kind))


def perform(seed: int, kind: Kind | None = None, seconds: float = SECONDS) -> Performance:
    rng = np.random.default_rng(seed)
    return sample_performance(rng, seconds, sample_framing(rng), kind)


def act(seed: int, kind: Kind, rate: int = 24) -> Skeleton:
    """The skeleton at every frame of SECONDS."""
    body = stack_proportions([sample_proportions(np.random.default_rng([seed, 1]))])
    seconds = torch.arange(round(SECONDS * rate), dtype=torch.float64) / rate
    pose = perform(seed, kind).pose(seconds)
    return pose_skeleton(rows(body, torch.zeros(len(seconds), dtype=torch.long)), pose)


def view(scale: Tensor, left: Tensor, top: Tensor) -> Callable[[Tensor], Tensor]:
    """Each row's own camera."""
    return lambda points: (points[..., :2] - torch.stack([left, top], dim=-1)[:, None]) * scale[:, None, None]


def span(values: Tensor) -> float:
    return float(values.max() - values.min())


def sides(skeleton: Skeleton) -> tuple[Limb, Limb]:
    return skeleton.left, skeleton.right


def flat(pose: Pose) -> Tensor:
    """A pose's channels side by side, (N, D)."""
    columns = []
    for field in fields(pose):
        part = getattr(pose, field.name)
        columns += [part] if isinstance(part, Tensor) else [getattr(part, f.name) for f in fields(part)]
    return torch.cat([c[:, None] if c.dim() == 1 else c for c in columns], dim=1)


@given(seeds, kinds)
@settings(max_examples=30, deadline=None)
def test_bones_keep_their_lengths_in_every_pose(seed: int, kind: Kind) -> None:
    skeleton = act(seed, kind)
    body = skeleton.proportions
    for limb in sides(skeleton):
        for start, end, length in (
            (limb.shoulder, limb.elbow, body.upper_arm),
            (limb.elbow, limb.wrist, body.forearm),
            (limb.hip, limb.knee, body.leg),
            (limb.knee, limb.ankle, body.leg),
            (limb.heel, limb.toe, body.foot),
        ):
            assert torch.allclose((end - start).norm(dim=-1), length, rtol=1e-3)
        phalanges = (limb.hand[:, 6:9] - limb.hand[:, 5:8]).norm(dim=-1)
        assert torch.allclose(phalanges, phalanges[:1].expand_as(phalanges), rtol=1e-3)


@given(seeds, kinds)
@settings(max_examples=30, deadline=None)
def test_knees_bend_forward_and_elbows_not_backward(seed: int, kind: Kind) -> None:
    skeleton = act(seed, kind)
    for limb in sides(skeleton):
        foot = unit(limb.toe - limb.heel)
        knee_forward = ((limb.knee - (limb.hip + limb.ankle) / 2) * foot).sum(-1)
        assert (knee_forward > -0.02).all()
        torso = skeleton.torso.rotation.mT
        upper = (torso @ unit(limb.elbow - limb.shoulder)[..., None])[..., 0]
        lower = (torso @ unit(limb.wrist - limb.elbow)[..., None])[..., 0]
        assert ((upper * lower).sum(-1) > math.cos(math.radians(152))).all()
        hangs = (upper[:, 1] > 0.7) & (lower[:, 1] > 0.5)
        assert ((lower - upper)[hangs, 2] > -0.35).all()


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_nobody_sinks_into_the_floor(seed: int) -> None:
    for kind in Kind:
        skeleton = act(seed, kind, rate=12)
        for limb in sides(skeleton):
            lowest = torch.maximum(limb.heel[:, 1], limb.toe[:, 1])
            assert (lowest < FLOOR_Y + 0.09).all()  # 2 cm


def test_somebody_who_stands_has_both_feet_flat_on_the_floor() -> None:
    skeleton = act(5, Kind.GREET)
    for limb in sides(skeleton):
        for point in (limb.heel, limb.toe):
            assert torch.allclose(point[:, 1], torch.tensor(FLOOR_Y), atol=0.05)
            assert (point.amax(dim=0) - point.amin(dim=0)).max() < 0.02  # they do not slide


@given(seeds)
@settings(deadline=None)
def test_every_body_is_as_tall_as_every_other(seed: int) -> None:
    body = stack_proportions([sample_proportions(np.random.default_rng(seed))])
    still = sample_standing(np.random.default_rng(0)).pose(torch.zeros(1))
    upright = pose_skeleton(body, still)
    top = upright.head.origin[0, 1] - (SKULL_TOP - 0.46) * body.head[0]
    assert FLOOR_Y - top == pytest.approx(STATURE, abs=0.06)


def test_bodies_differ_from_a_childs_to_a_tall_adults() -> None:
    bodies = stack_proportions([sample_proportions(np.random.default_rng(seed)) for seed in range(200)])
    for name, spread in (("head", 1.25), ("leg", 1.15), ("waist", 1.4), ("calf_radius", 1.4), ("foot", 1.1)):
        lengths = getattr(bodies, name)
        assert lengths.max() / lengths.min() > spread, name


@given(seeds, kinds, st.floats(0.2, SECONDS))
@example(9724, Kind.IDLE, 0.625)
@settings(max_examples=40, deadline=None)
def test_a_longer_performance_begins_as_the_shorter_one(seed: int, kind: Kind, seconds: float) -> None:
    times = torch.linspace(0, seconds, 20)
    short, long = (perform(seed, kind, length).pose(times) for length in (seconds, seconds + 4))
    assert torch.allclose(flat(short), flat(long), atol=2e-4)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_moves_smoothly_and_no_faster_than_people_do(kind: Kind) -> None:
    """A head is 23 cm: 24 heads a second are 5.5 m/s, 450 heads a second squared 10 times gravity, which the tip
    of a finger reaches."""
    rate = 96
    for seed in range(6):
        skeleton = act(seed, kind, rate)
        points = [
            getattr(limb, n) for limb in sides(skeleton) for n in ("elbow", "wrist", "knee", "ankle", "toe")
        ]
        points += [skeleton.head.origin, *(limb.hand[:, 12] for limb in sides(skeleton))]
        path = torch.stack(points, dim=1).double()
        speed = path.diff(dim=0).norm(dim=-1) * rate
        acceleration = path.diff(n=2, dim=0).norm(dim=-1) * rate**2
        assert speed.max() < 24
        assert acceleration.max() < 450


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_seen_to_move(kind: Kind) -> None:
    moved = [
        whole_body(act(seed, kind), view(torch.ones(1), torch.zeros(1), torch.zeros(1)), 1)[..., :2]
        for seed in range(4)
    ]
    for path in moved:
        assert (path.amax(dim=0) - path.amin(dim=0)).max() > 0.3  # heads, within SECONDS


def test_a_figure_walks_sits_turns_and_leaves() -> None:
    walking = [limb.ankle for limb in sides(act(0, Kind.WALK))]
    assert min(span(ankle[:, 1]) for ankle in walking) > 0.2  # both feet leave the floor
    hips = [act(seed, Kind.SIT).pelvis.origin[:, 1] for seed in range(8)]
    assert max(span(height) for height in hips) > 1.2
    facing = [act(seed, Kind.TURN).pelvis.rotation[:, 2, 2].min() for seed in range(8)]
    assert min(facing) < -0.5  # its back to the viewer
    assert sum(bool(f < 0.2) for f in facing) >= 4  # profile and beyond
    for seed in range(4):
        rng = np.random.default_rng(seed)
        framing = sample_framing(rng)
        x = sample_performance(rng, 4.0, framing, Kind.VISIT).pose(torch.linspace(0, 4, 50)).x
        assert (x - framing.middle).abs().min() < 0.3
        assert (x - framing.middle).abs().max() > framing.heads_high / 2 + 0.5


def test_every_parameter_of_the_face_visits_its_whole_range_and_the_corners_of_pairs() -> None:
    times = torch.arange(0, SECONDS, 1 / 24)
    performances = [perform(seed) for seed in range(200)]
    clip = torch.arange(200).repeat_interleave(len(times))
    face = poses(performances, clip, times.repeat(200)).expression
    ranges = {"jaw": (0, 1), "pucker": (0, 1), "eyes": (0, 1)}
    scaled = {}
    for field in fields(face):
        low, high = ranges.get(field.name, (-1, 1))
        scaled[field.name] = (getattr(face, field.name) - low) / (high - low)
        assert scaled[field.name].min() < 0.02, field.name
        assert scaled[field.name].max() > 0.98, field.name
    for first in scaled:
        for second in scaled:
            if first < second:
                for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
                    near = ((scaled[first] - a).abs() < 0.3) & ((scaled[second] - b).abs() < 0.3)
                    assert near.float().mean() > 0.002, (first, a, second, b)


def test_rows_of_many_clips_equal_the_clips_one_at_a_time() -> None:
    rng = np.random.default_rng(0)
    performances = [perform(seed) for seed in range(12)]
    bodies = stack_proportions([sample_proportions(np.random.default_rng(seed)) for seed in range(12)])
    clip = torch.from_numpy(rng.integers(0, 12, 60))
    seconds = torch.from_numpy(rng.uniform(0, SECONDS, 60)).float()
    scale, left = torch.linspace(20, 60, 60), torch.linspace(-3, -1, 60)
    stacked = stack_performances(performances)
    skeletons = pose_skeleton(rows(bodies, clip), poses(stacked, clip, seconds))
    together = whole_body(skeletons, view(scale, left, left), 256)
    for n in range(60):
        own = slice(n, n + 1)
        pose = performances[int(clip[n])].pose(seconds[own])
        one = pose_skeleton(rows(bodies, clip[own]), pose)
        alone = whole_body(one, view(scale[own], left[own], left[own]), 256)
        assert torch.allclose(together[n], alone[0], atol=2e-2)


def test_the_face_is_60_pixels_of_256_and_more_from_the_waist_up_and_closer() -> None:
    for seed in range(150):
        rng = np.random.default_rng(seed)
        framing = sample_framing(rng)
        if framing.shot in (Shot.WAIST_UP, Shot.CLOSE_UP):
            pose = sample_standing(rng).pose(torch.zeros(1))
            skeleton = pose_skeleton(stack_proportions([sample_proportions(rng)]), pose)
            scale, left, top = torch.tensor([[256 / framing.heads_high], [framing.left], [framing.top]])
            points = whole_body(skeleton, view(scale, left, top), 256)
            x0, y0, x1, y1 = face_boxes(points, 256)[0]
            assert min(x1 - x0, y1 - y0) >= 60, seed
            assert points[0, 23:91, 2].all(), seed  # the whole face is in the picture


def test_people_pose_differently_for_their_pictures_and_keep_still() -> None:
    for seed in range(5):
        still = flat(sample_standing(np.random.default_rng(seed)).pose(torch.tensor([0.0, 1.0, 5.0])))
        assert torch.equal(still[0], still[2])
    first, second = (flat(sample_standing(np.random.default_rng(s)).pose(torch.zeros(1))) for s in (0, 1))
    assert not torch.allclose(first, second, atol=0.02)


def test_the_mouth_that_the_sound_follows_is_the_mouth_in_the_picture() -> None:
    performance = random_performance(np.random.default_rng(3), SECONDS)
    times = torch.linspace(0, SECONDS, 200)
    opened, puckered = performance.mouth(times.double())
    face = performance.pose(times).expression
    assert torch.allclose(opened.float(), face.jaw, atol=1e-3)
    assert torch.allclose(puckered.float(), face.pucker, atol=1e-3)
