"""What the options window shows and does, without a window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from understudy_api.errors import JobCancelled, JobFailed, ServerAway
from understudy_api.sampling import MOST_LORAS
from understudy_davinci.errors import Refusal
from understudy_davinci.jobs.estimate import Estimate
from understudy_davinci.jobs.people import Person
from understudy_davinci.jobs.server import Served
from understudy_davinci.reach import NotReached
from understudy_davinci.reach.relayed import ResolveGone
from understudy_davinci.shot import Mode, Note, Progress, Way
from understudy_davinci.window.model import Model, Stage
from understudy_davinci.window.options import Options

from .desk import SHOT, FakeDesk, Inline, opened

CAST = (Person("A", 96, b"a"), Person("B", 71, b"b"))


@dataclass
class Ticket:
    title: str = "boxer, shot 12"


@pytest.fixture
def hero(tmp_path: Path) -> Path:
    path = tmp_path / "hero.png"
    path.write_bytes(b"picture")
    return path


def test_it_opens_with_what_is_selected() -> None:
    model, _ = opened(FakeDesk())
    assert model.stage is Stage.CHOOSING
    assert (model.subject, model.facts) == ("boxer_012.mov", "96 frames · 24 fps · 1920 × 1080")
    assert model.about == "DaVinci Resolve Studio 20.3.2"
    assert not model.can_run, "no character is chosen yet"
    assert model.said == "Choose a picture of the character."


def test_several_clips_are_told_as_one_and_more() -> None:
    model, _ = opened(FakeDesk(shots=[SHOT, SHOT, SHOT]))
    assert model.subject == "boxer_012.mov and 2 more"
    assert model.facts.startswith("288 frames")


def test_nothing_selected_is_told_and_can_be_tried_again() -> None:
    desk = FakeDesk(shots=[])
    model, worker = opened(desk)
    assert (str(model.stage), model.failed) == ("refused", True)
    assert model.status.startswith("Nothing is selected.")
    desk.shots = [SHOT]
    model.try_again()
    worker.drain()
    assert model.stage is Stage.CHOOSING


def test_a_resolve_that_is_not_reached_is_looked_for_again() -> None:
    desks: list[FakeDesk] = []

    def open_desk(tell: object, wanted: object) -> FakeDesk:
        if not desks:
            desks.append(FakeDesk())
            raise NotReached("DaVinci Resolve does not answer. Start it.")
        return desks[0]

    worker = Inline()
    model = Model(worker, open_desk, Options())
    model.start()
    worker.drain()
    assert (model.stage, model.status) == (Stage.REFUSED, "DaVinci Resolve does not answer. Start it.")
    model.try_again()
    worker.drain()
    assert model.stage is Stage.CHOOSING


def test_a_job_is_what_the_artist_chose(hero: Path, tmp_path: Path) -> None:
    desk = FakeDesk(cast=CAST)
    model, worker = opened(desk)
    model.set(character=hero, quality="best", seed=7, relight_strength=0.4, handles=12, matte=hero)
    model.set_layer("matte", True)
    model.set_layer("character", True)
    model.find_people()
    worker.drain()
    assert model.status == "2 people found"
    model.toggle_person("B")
    model.run()
    worker.drain()
    [choice] = desk.ran
    assert (choice.mode, choice.character, choice.people) == (Mode.REPLACE, hero, ("B",))
    assert (choice.quality, choice.seed, choice.handles, choice.matte) == ("best", 7, 12, hero)
    assert (choice.relight_strength, choice.layers) == (0.4, ("character", "matte"))
    assert (model.stage, model.status, model.failed) == (Stage.DONE, "boxer_012.mov is on track 2.", False)


def test_animate_has_no_plate_to_light_or_to_cut(hero: Path) -> None:
    desk = FakeDesk()
    model, worker = opened(desk, mode=Mode.ANIMATE, character=hero, matte=hero, layers=("matte",))
    model.set(relight_strength=0.2, source=Way.RENDER, graded=True)
    model.run()
    worker.drain()
    [choice] = desk.ran
    assert (choice.mode, choice.relight_strength, choice.matte, choice.layers) == (
        Mode.ANIMATE,
        1.0,
        None,
        (),
    )
    assert (choice.source, choice.graded) == (Way.RENDER, True)


def test_a_prompt_is_a_jobs_words_in_a_line(hero: Path) -> None:
    desk = FakeDesk()
    model, worker = opened(desk, character=hero)
    estimate = model.estimate
    model.adjust(prompt="A woman in a red coat,\n  in the rain ")
    assert model.estimate is estimate, "words change no estimate"
    model.run()
    worker.drain()
    assert desk.ran[0].prompt == "A woman in a red coat, in the rain"


def test_loras_go_into_the_job_with_their_strengths(hero: Path) -> None:
    desk = FakeDesk(model=Served(model="14B", loras=("anna", "film")))
    model, worker = opened(desk, character=hero)
    model.set_lora("film", 1.0)
    model.set_lora("anna", 1.0)
    worker.drain()
    estimate = model.estimate
    model.set_lora("anna", 0.4)
    assert model.estimate is estimate, "a strength costs nothing"
    model.set_lora("film", None)
    assert model.estimate is None, "what is wrong with one may have gone with it"
    model.adjust(four_step_strength=0.7)
    model.run()
    worker.drain()
    [choice] = desk.ran
    assert (choice.loras, choice.four_step_strength) == ((("anna", 0.4),), 0.7)


def test_no_more_loras_are_chosen_than_a_job_takes() -> None:
    model, _ = opened(FakeDesk())
    for number in range(MOST_LORAS + 1):
        model.set_lora(f"lora {number}", 1.0)
    assert [name for name, _ in model.options.loras] == [f"lora {number}" for number in range(MOST_LORAS)]


def test_a_model_that_reads_no_prompt_is_given_none(hero: Path) -> None:
    desk = FakeDesk(model=Served(model="nano"))
    model, worker = opened(desk, character=hero, prompt="a red coat")
    assert model.refuses_prompt
    model.run()
    worker.drain()
    assert [choice.prompt for choice in (*desk.ran, desk.estimated[-1])] == ["", ""]
    assert model.options.prompt == "a red coat", "for another model it is still there"


def test_a_server_that_comes_late_still_tells_of_its_model(
    hero: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = FakeDesk()
    with monkeypatch.context() as away:
        away.setattr(desk, "served", refuse)
        model, worker = opened(desk)
        assert model.served is None
        assert not model.refuses_prompt
    model.set(character=hero)
    worker.drain()
    assert model.served == desk.model


def refuse() -> Served:
    raise ServerAway("The server did not start.")


def test_every_selected_clip_gets_a_job(hero: Path) -> None:
    desk = FakeDesk(shots=[SHOT, replace(SHOT, name="second.mov")])
    model, worker = opened(desk, character=hero)
    model.run()
    worker.drain()
    assert len(desk.ran) == 2
    assert model.status == "second.mov is on track 2."


def test_what_is_placed_before_a_failure_is_said(hero: Path) -> None:
    desk = FakeDesk(shots=[SHOT, replace(SHOT, name="second.mov")], refuses=["second.mov"])
    model, worker = opened(desk, character=hero)
    model.run()
    worker.drain()
    assert model.failed
    assert model.status == "second.mov is locked. Unlock its track. 1 clip before it is placed."


def test_a_cancel_between_two_clips_leaves_the_second_alone(hero: Path) -> None:
    desk = FakeDesk(shots=[SHOT, replace(SHOT, name="second.mov")])
    model, worker = opened(desk, character=hero)
    desk.meanwhile = model.cancel
    model.run()
    worker.drain()
    assert len(desk.ran) == 1
    assert model.status.endswith("1 clip before it is placed.")


def test_a_picture_that_is_gone_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    desk = FakeDesk()
    model, worker = opened(desk, character=tmp_path / "gone.png")
    model.run()
    worker.drain()
    assert desk.ran == []
    assert model.failed
    assert model.status.endswith("gone.png. Choose another file.")


def test_the_estimate_is_of_the_newest_choice_alone(hero: Path) -> None:
    desk = FakeDesk(cost=Estimate(seconds=(95, 140), memory_bytes=3_100_000_000))
    model, worker = opened(desk, character=hero)
    before = len(desk.estimated)
    for seed in range(5):
        model.set(seed=seed)
        assert model.estimate is None, "an old one would mislead"
    worker.drain()
    assert [choice.seed for choice in desk.estimated[before:]] == [4]
    assert model.estimate is not None
    assert model.estimate.text == "2 min · 3.1 GB of memory"


def test_a_still_at_the_playhead_becomes_the_character(hero: Path) -> None:
    model, worker = opened(FakeDesk(playhead=hero))
    model.take_still()
    assert model.stage is Stage.WORKING
    worker.drain()
    assert model.options.character == hero
    assert model.can_run


def test_people_who_are_chosen_stay_chosen_only_while_they_are_there() -> None:
    desk = FakeDesk(cast=CAST)
    model, worker = opened(desk, people=("B",))
    model.find_people()
    worker.drain()
    assert not model.options.people, "a new selection has other people"
    model.toggle_person("B")
    model.toggle_person("A")
    assert ",".join(model.options.people) == "A,B"
    desk.cast = CAST[:1]
    model.find_people()
    worker.drain()
    assert model.options.people == ("A",)


# ---- While it works --------------------------------------------------------------------------------------


def test_progress_is_told_with_the_time_that_is_left(hero: Path) -> None:
    model, worker = opened(FakeDesk(), character=hero)
    model.run()
    model._tell(Progress(0.42, "part 2 of 3, step 4 of 8", 74))
    super(Inline, worker).drain()  # type: ignore[misc]
    assert (model.said, model.fraction) == ("Part 2 of 3, step 4 of 8 · 74 s left", 0.42)
    model._tell(Note("placing the result"))
    model._tell(Progress(1.0, "writing the result", 600))
    super(Inline, worker).drain()  # type: ignore[misc]
    assert model.said == "Writing the result · 10 min left"


def test_cancelling_is_passed_on_and_told_as_what_it_is(hero: Path) -> None:
    desk = FakeDesk(raises=JobCancelled("job 7 was cancelled."))
    model, worker = opened(desk, character=hero)
    model.run()
    assert model._wanted()
    model.cancel()
    assert not model._wanted()
    assert model.status == "Cancelling"
    worker.drain()
    assert (model.status, model.failed) == ("Cancelled. Nothing of it is on the timeline.", False)
    model.run()
    assert model._wanted(), "the next job is wanted"


def test_a_resolve_that_hangs_in_a_dialog_is_told(hero: Path) -> None:
    desk = FakeDesk()
    model, _ = opened(desk, character=hero)
    desk.silent = "Resolve has not answered for 20 s. Look for an open dialog in Resolve and close it."
    model.run()
    assert model.said == desk.silent


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refusal("Track 2 is locked. Unlock it."), "Track 2 is locked. Unlock it."),
        (JobFailed("The device ran out of memory."), "The device ran out of memory."),
        (ServerAway("The server did not start."), "The server did not start."),
        (OSError("disk full"), "A file cannot be used: disk full."),
        (KeyError("x"), "Understudy has a defect: KeyError: 'x'"),
    ],
)
def test_every_failure_is_a_sentence(hero: Path, error: Exception, said: str) -> None:
    model, worker = opened(FakeDesk(raises=error), character=hero)
    model.run()
    worker.drain()
    assert (model.stage, model.failed) == (Stage.DONE, True)
    assert said in model.status
    assert model.can_run, "the artist may try again"


def test_after_resolve_has_quit_it_is_looked_for_anew(hero: Path) -> None:
    """Its objects stay dead, also once it runs again."""
    desks = [FakeDesk(raises=ResolveGone("Resolve has quit.")), FakeDesk(about="DaVinci Resolve 21.0.4")]
    worker = Inline()
    model = Model(worker, lambda tell, wanted: desks.pop(0), Options(character=hero))
    model.start()
    worker.drain()
    model.run()
    worker.drain()
    assert (str(model.stage), model.failed) == ("refused", True)
    assert "start Understudy again to place what it makes" in model.status
    model.try_again()
    worker.drain()
    assert (model.stage, model.about) == (Stage.CHOOSING, "DaVinci Resolve 21.0.4")


def test_choosing_the_menu_entry_once_more_reads_the_selection_anew(hero: Path) -> None:
    desk = FakeDesk()
    model, worker = opened(desk, character=hero)
    desk.shots = [replace(SHOT, name="second.mov")]
    model.start_again(Mode.ANIMATE)
    worker.drain()
    assert (model.subject, model.verb) == ("second.mov", "Animate")
    model.run()
    model.start_again(Mode.REPLACE)
    assert model.verb == "Animate", "what runs goes on"


# ---- What was left ---------------------------------------------------------------------------------------


def test_jobs_of_an_earlier_time_are_offered_and_placed() -> None:
    ticket = Ticket()
    desk = FakeDesk(tickets=[ticket], cleaned=["A timeline of a run that was interrupted was removed."])
    model, worker = opened(desk)
    assert model.tickets == [ticket]
    assert model.notes == desk.cleaned
    model.finish(ticket)
    worker.drain()
    assert desk.finished == [ticket]
    assert (model.tickets, model.status) == ([], "boxer, shot 12 is on track 2.")
