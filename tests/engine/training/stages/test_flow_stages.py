"""The transformer's stages at toy size, and what comes out of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from scripts.train_nano import main
from tests.engine.training.stages.footage import draw_clips
from understudy_engine.diffusion.schedule import make_schedule
from understudy_engine.errors import WeightsMismatch
from understudy_engine.training.stages import distil, joint, relight
from understudy_engine.training.stages.body import COURSE as BODY
from understudy_engine.training.stages.body import of_face
from understudy_engine.training.stages.checkpoint import load_checkpoint
from understudy_engine.training.stages.flow_task import (
    EXPRESSION_WEIGHT,
    FlowCourse,
    FlowTask,
    clean_latents,
    expression_error,
    mixed_with,
    shifted,
    timestep,
)
from understudy_engine.training.stages.footage import Footage
from understudy_engine.training.stages.inputs import Aim
from understudy_engine.training.stages.linear import set_strength
from understudy_engine.training.stages.nano import Nano
from understudy_engine.training.stages.replace import COURSE as REPLACE
from understudy_engine.training.stages.stage import TOY, Setup
from understudy_engine.training.stages.trainer import EQUALISED, Recipe, Trainer
from understudy_engine.training.stages.transformer_stage import toy_course
from understudy_engine.types import Solver
from understudy_engine.weights.load import load_model
from understudy_engine.weights.parts import LORAS, Part
from understudy_engine.weights.sources import WeightFolder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vae")
    run = ["vae_images", "--toy", "--device", "cpu", "--steps", "1", "--out", str(folder)]
    assert main(run, draw_clips) == 0
    return folder


def task_of(course: FlowCourse, vae: Path, kind: type[FlowTask] = FlowTask) -> FlowTask:
    footage = Footage(draw_clips, CPU, size=64)
    return kind(Setup(spec=TOY, footage=footage, weights=vae, toy=True), toy_course(course))


def test_the_loss_falls_on_a_single_batch(vae: Path, tmp_path: Path) -> None:
    task = task_of(joint.COURSE, vae)
    batch = task.draw(torch.Generator().manual_seed(0))
    task.draw = lambda generator: batch  # type: ignore[method-assign]
    trainer = Trainer(task, Recipe(steps=40, learning_rate=5e-3, warmup=5), tmp_path, device=CPU)
    losses = [float(trainer.step()["loss"]) for _ in range(40)]
    assert losses[-1] < 0.7 * losses[0]


def test_noise_levels_and_timesteps_are_the_schedules_own() -> None:
    schedule = make_schedule(Solver.UNIPC, 20, 5.0)
    sigmas = torch.tensor(schedule.sigmas[:-1], dtype=torch.float64)
    assert timestep(sigmas).tolist() == list(schedule.timesteps)
    line = torch.linspace(0.999, 0, 21, dtype=torch.float64)[:-1]
    torch.testing.assert_close(shifted(line, 5.0), sigmas)


def test_a_perfect_velocity_has_no_loss(vae: Path) -> None:
    task = task_of(joint.COURSE, vae)
    batch = task.draw(torch.Generator().manual_seed(0))
    clean = clean_latents(batch)
    task.model.forward = lambda latents, timestep, inputs: batch["noise"] - clean  # type: ignore[method-assign]
    losses = task.losses(batch)
    assert float(losses["plain"]) < 1e-9
    assert float(losses["loss"].detach()) == pytest.approx(EXPRESSION_WEIGHT * float(losses["expression"]))
    level = batch["sigma"].view(-1, 1, 1, 1, 1)
    noisy = mixed_with(clean, batch["noise"], batch["sigma"])
    torch.testing.assert_close(noisy - level * (batch["noise"] - clean), clean, atol=1e-5, rtol=1e-5)


def test_expressions_count_where_a_face_is_shown(vae: Path) -> None:
    task = task_of(joint.COURSE, vae)
    batch = task.draw(torch.Generator().manual_seed(0))
    batch["faces"][:] = -1
    batch["faces"][0, 3] = 0.5
    told = batch["expression"] + 1
    told[0, 3] = batch["expression"][0, 3] + 0.5
    assert float(expression_error(told, batch)) == pytest.approx(0.25, rel=1e-5)
    batch["faces"][:] = -1
    assert float(expression_error(told, batch)) == 0


def test_the_motion_encoder_learns_from_the_expression_itself(vae: Path) -> None:
    task = task_of(joint.COURSE, vae)
    batch = task.draw(torch.Generator().manual_seed(0)) | {"faces": torch.rand(4, 9, 3, 16, 16)}
    for adapter in task.model.transformer.face_adapters:  # nothing of the face reaches the picture
        torch.nn.init.zeros_(adapter.out.weight)
    task.losses(batch)["loss"].backward()
    slopes = [p.grad for p in task.model.transformer.motion_encoder.fc.parameters()]
    assert all(slope is not None and slope.abs().max() > 0 for slope in slopes)


def test_a_fresh_motion_encoder_tells_faces_apart() -> None:
    motion = Nano(TOY, CPU).motion(torch.rand(2, 9, 3, 16, 16) * 2 - 1)
    assert motion.detach().flatten(0, 1).std(dim=0).mean() > 0.05


def test_kernels_that_are_scaled_when_used_move_by_larger_steps(vae: Path, tmp_path: Path) -> None:
    task = task_of(joint.COURSE, vae)
    trainer = Trainer(task, joint.RECIPE, tmp_path, device=CPU)
    parts = {
        p: group["part"] for o in trainer.optimizers for group in o.param_groups for p in group["params"]
    }
    encoder = task.model.transformer.motion_encoder
    assert parts[encoder.conv_in.weight] == EQUALISED
    assert parts[encoder.conv_in.bias] == 1
    assert parts[task.model.transformer.face_encoder.proj.weight] == 1


def test_a_stage_goes_on_with_the_footage_of_the_one_before(vae: Path, tmp_path: Path) -> None:
    file = tmp_path / "bank.safetensors"
    course = toy_course(replace(BODY, name="first"))
    before = FlowTask(Setup(spec=TOY, footage=Footage(draw_clips, CPU, 64), weights=vae, bank=file), course)
    before.keep()
    footage = Footage(draw_clips, CPU, 64, next_seed=2_000_000)
    after = FlowTask(Setup(spec=TOY, footage=footage, weights=vae, bank=file), replace(course, first_clips=0))
    assert after.seeds() == ()  # nothing was rendered
    one, other = (task.draw(torch.Generator().manual_seed(0)) for task in (before, after))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_footage_that_lacks_an_aim_is_filled_up_with_it(vae: Path, tmp_path: Path) -> None:
    setup = Setup(
        spec=TOY, footage=Footage(draw_clips, CPU, 64), weights=vae, bank=tmp_path / "bank.safetensors"
    )
    FlowTask(setup, toy_course(BODY)).keep()
    footage = Footage(draw_clips, CPU, 64, next_seed=2_000_000)
    both = FlowTask(replace(setup, footage=footage), toy_course(REPLACE))
    assert both.seeds() == (
        (2_000_000, 2_000_002),
    )  # for 65 % of four, two a clip; there were plenty of the other aim
    drawn = both.bank.draw(400, torch.Generator().manual_seed(0))["aim"]
    assert drawn.eq(int(Aim.UNLIT)).float().mean() == pytest.approx(0.65, abs=0.08)


def test_footage_of_another_length_is_made_afresh(vae: Path, tmp_path: Path) -> None:
    setup = Setup(
        spec=TOY, footage=Footage(draw_clips, CPU, 64), weights=vae, bank=tmp_path / "bank.safetensors"
    )
    FlowTask(setup, replace(toy_course(BODY), frames=5)).keep()
    footage = Footage(draw_clips, CPU, 64, next_seed=2_000_000)
    assert FlowTask(replace(setup, footage=footage), toy_course(BODY)).seeds() == ((2_000_000, 2_000_002),)


def test_short_segments_train_the_same_model_and_long_ones_go_on(vae: Path, tmp_path: Path) -> None:
    run = ["replace", "--toy", "--device", "cpu", "--weights", str(vae), "--out", str(tmp_path)]
    assert main([*run, "--frames", "5", "--steps", "20"], draw_clips) == 0
    assert main([*run, "--steps", "22", "--resume", str(tmp_path)], draw_clips) == 0
    assert load_checkpoint(tmp_path).progress.step == 22


def test_more_clips_are_rendered_when_their_share_of_the_time_is_due(vae: Path) -> None:
    task = task_of(joint.COURSE, vae)
    seconds = iter([0.0, 10.0, 14.0, 14.1, 20.1, 20.1, 26.1])  # asked, begun, done; asked in vain; asked, ...
    task._pace.clock = lambda: next(seconds)
    generator = torch.Generator().manual_seed(0)
    rendered = []
    for _ in range(15):
        task.draw(generator)
        rendered.append(task.seeds()[0][1] - task.seeds()[0][0])
    assert rendered == [2] * 4 + [3] * 9 + [3] + [4]  # 4 s of rendering are followed by 6 s without


def test_footage_that_another_vae_encoded_is_refused(vae: Path, tmp_path: Path) -> None:
    setup = Setup(
        spec=TOY, footage=Footage(draw_clips, CPU, 64), weights=vae, bank=tmp_path / "bank.safetensors"
    )
    FlowTask(setup, toy_course(BODY)).keep()
    run = ["vae_images", "--toy", "--device", "cpu", "--steps", "2", "--out", str(tmp_path / "other")]
    assert main(run, draw_clips) == 0
    with pytest.raises(WeightsMismatch, match="another VAE"):
        FlowTask(replace(setup, weights=tmp_path / "other"), toy_course(BODY))


def test_body_control_knows_no_face_and_leaves_its_modules_alone(vae: Path) -> None:
    task = task_of(BODY, vae)
    batch = task.draw(torch.Generator().manual_seed(0))
    assert batch["faces"].eq(-1).all()
    trained = {name for name, p in task.model.named_parameters() if p.requires_grad}
    assert trained
    assert not any(of_face(name) for name in trained)


def test_light_is_learnt_by_the_lora_alone_and_starts_as_no_change(vae: Path) -> None:
    task = task_of(relight.COURSE, vae)
    trained = {name for name, p in task.model.named_parameters() if p.requires_grad}
    assert len(trained) == 2 * 12 * TOY.transformer.layers
    assert all(name.endswith(("relighting_down", "relighting_up")) for name in trained)
    batch = task.draw(torch.Generator().manual_seed(0))
    assert batch["aim"].eq(int(Aim.LIT)).all()
    with torch.no_grad():
        on = task.losses(batch)["loss"]
        set_strength(task.model, relight.LORA, 0.0)
        assert torch.equal(task.losses(batch)["loss"], on)


def test_four_steps_are_learnt_from_the_teachers_sixteen(vae: Path) -> None:
    task = task_of(distil.COURSE, vae, distil.DistilTask)
    assert isinstance(task, distil.DistilTask)
    coarse = make_schedule(Solver.EULER, 4, TOY.sampling.shift).sigmas
    assert task.fine.sigmas[:: distil.SUBSTEPS] == pytest.approx(coarse)
    batch = task.draw(torch.Generator().manual_seed(0))
    losses = task.losses(batch)
    losses["loss"].backward()
    learnt = {name for name, p in task.model.named_parameters() if p.grad is not None}
    assert learnt
    assert all(name.endswith(("four_step_down", "four_step_up")) for name in learnt)


def test_a_model_that_says_the_same_everywhere_needs_no_distilling(vae: Path) -> None:
    """A velocity that does not depend on where one is: one long step ends where many short ones do."""
    task = task_of(distil.COURSE, vae, distil.DistilTask)
    batch = task.draw(torch.Generator().manual_seed(0))
    task.model.forward = lambda latents, timestep, inputs: batch["noise"]  # type: ignore[method-assign]
    assert float(task.losses(batch)["loss"]) < 1e-6


def test_what_is_exported_is_what_the_engine_loads(vae: Path, tmp_path: Path) -> None:
    run = ["--toy", "--device", "cpu", "--steps", "2", "--weights", str(vae)]
    before: list[str] = []
    for stage in ("joint", "relight", "distil"):
        out = str(tmp_path / stage)
        assert main([stage, *run, *before, "--out", out], draw_clips) == 0
        before = ["--resume", out]
    assert main(["export", "--toy", *before, "--weights", str(vae), "--out", str(tmp_path / "nano")]) == 0
    parts = load_model(replace(TOY, name="toy"), WeightFolder(tmp_path / "nano"))
    assert parts.loras.parts == set(LORAS)

    checkpoint = load_checkpoint(tmp_path / "distil")
    nano = Nano(TOY, CPU).eval()
    nano.add_lora("relighting", 4)
    nano.add_lora("four_step", 4)
    nano.load_state_dict(checkpoint.weights | checkpoint.average, strict=False)
    batch = task_of(joint.COURSE, vae).draw(torch.Generator().manual_seed(0))
    latents, level = clean_latents(batch), timestep(batch["sigma"])
    for lit, quick in product((0.0, 1.0), repeat=2):
        parts.loras.set_strengths({Part.RELIGHTING_LORA: lit, Part.FOUR_STEP_LORA: quick})
        set_strength(nano, "relighting", lit)
        set_strength(nano, "four_step", quick)
        with torch.no_grad():
            mine = nano(latents, level, nano.prepare(batch))
            theirs = parts.transformer(
                latents,
                level,
                parts.transformer.prepare(
                    y=_condition(batch),
                    pose_latents=batch["pose"],
                    context=parts.contexts.of().expand(len(latents), -1, -1),
                    image_tokens=parts.image_encoder(batch["picture"]),
                    faces=batch["faces"],
                ),
            )
        torch.testing.assert_close(theirs, mine, atol=5e-3, rtol=5e-3)


def _condition(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    from understudy_engine.diffusion.conditioning import layout

    rows = zip(batch["reference"], batch["known"], batch["keep"], strict=True)
    return torch.stack([layout(*row) for row in rows])


def test_a_stage_without_the_vae_says_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["joint", "--toy", "--device", "cpu", "--out", str(tmp_path)], draw_clips) == 1
    assert "--weights" in capsys.readouterr().err


def test_a_checkpoint_of_another_network_is_refused(
    vae: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["joint", "--toy", "--device", "cpu", "--weights", str(vae), "--resume", str(vae)]
    assert main([*run, "--out", str(tmp_path)], draw_clips) == 1
    assert "of stage vae_images holds" in capsys.readouterr().err
