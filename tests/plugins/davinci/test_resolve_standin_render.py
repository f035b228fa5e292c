"""The stand-in's render queue: settings, jobs, and the pixels of the files they write (B17 to B19)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.media.clips import make_clip, shown_number
from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import Artist
from tests.plugins.davinci.resolve_standin.media_file import frame_at, looked_at
from tests.plugins.davinci.resolve_standin.render_formats import CODECS, write_movie

Clips = dict[str, Path]
EDIT = 86400


def project(artist: Artist) -> Any:
    return artist.standin.resolve.GetProjectManager().GetCurrentProject()


@pytest.fixture
def edit(seat: Seat, clips: Clips) -> Artist:
    """Frames 5 to 14 of "a", then 0 to 9 of "b", cut to cut from 86400 on."""
    artist = seat("studio-21.0.4")
    artist.places(artist.imports(clips["a"]), EDIT, frames=(5, 15))
    artist.places(artist.imports(clips["b"]), EDIT + 10, frames=(0, 10))
    return artist


def settings(folder: Path, first: int, last: int, **more: Any) -> dict[str, Any]:
    marks = {"SelectAllFrames": False, "MarkIn": first, "MarkOut": last}
    return {**marks, "TargetDir": str(folder), "CustomName": "bake", **more}


def rendered(
    artist: Artist, folder: Path, first: int, last: int, *, codec: str = "mov ProRes422HQ", **more: Any
) -> list[Path]:
    """The files of one job, from its start to its end."""
    before = set(folder.iterdir())
    assert project(artist).SetCurrentRenderFormatAndCodec(*codec.split()) is True
    assert project(artist).SetRenderSettings(settings(folder, first, last, **more)) is True
    job = project(artist).AddRenderJob()
    assert project(artist).StartRendering([job], False) is True
    artist.standin.clock.sleep(60)
    assert project(artist).GetRenderJobStatus(job)["CompletionPercentage"] == 100
    return sorted(set(folder.iterdir()) - before)


def numbers(path: Path) -> list[int]:
    facts = looked_at(path)
    assert facts is not None
    found = [frame_at(path, number) for number in range(facts.frames)]
    return [shown_number(picture[..., :3], 1) for picture in found if picture is not None]


def test_b17_mark_out_is_included(edit: Artist, tmp_path: Path) -> None:
    assert numbers(rendered(edit, tmp_path, EDIT + 3, EDIT + 3)[0]) == [8]
    assert numbers(rendered(edit, tmp_path, EDIT + 3, EDIT + 5)[0]) == [8, 9, 10]


def test_b17_marks_do_nothing_while_all_frames_are_selected(edit: Artist, tmp_path: Path) -> None:
    """Settings are laid over what the page held, and the artist's page may hold this."""
    assert len(numbers(rendered(edit, tmp_path, EDIT, EDIT, SelectAllFrames=True)[0])) == 20


def test_b17_unknown_keys_are_answered_with_yes_and_do_nothing(edit: Artist, tmp_path: Path) -> None:
    (path,) = rendered(edit, tmp_path, EDIT, EDIT, Format="mp4", Codec="H264", RenderMode=0)
    assert path.name == "bake.mov"


def test_b17_settings_stay_until_they_are_set_again(edit: Artist, tmp_path: Path) -> None:
    rendered(edit, tmp_path, EDIT, EDIT, FormatWidth=32, FormatHeight=24)
    (path,) = rendered(edit, tmp_path, EDIT, EDIT)
    facts = looked_at(path)
    assert facts is not None
    assert (facts.width, facts.height) == (32, 24)


def test_b17_codecs_go_by_id_and_a_listed_one_may_be_refused(edit: Artist) -> None:
    opened = project(edit)
    assert opened.GetRenderFormats()["QuickTime"] == "mov"
    assert opened.GetRenderCodecs("mov")["Apple ProRes 4444"] == "ProRes4444"
    assert opened.SetCurrentRenderFormatAndCodec("mov", "Apple ProRes 4444") is False
    assert opened.SetCurrentRenderFormatAndCodec("QuickTime", "ProRes4444") is False
    edit.standin.queue.refused.add(("mov", "ProRes4444"))
    assert opened.SetCurrentRenderFormatAndCodec("mov", "ProRes4444") is False
    assert opened.SetCurrentRenderFormatAndCodec("mov", "ProRes422HQ") is True
    assert opened.GetCurrentRenderFormatAndCodec() == {"format": "mov", "codec": "ProRes422HQ"}


def test_b17_png_renders_from_21_on(seat: Seat) -> None:
    assert "png" in project(seat("studio-21.0.4")).GetRenderFormats().values()
    assert "png" not in project(seat("studio-20.3.2")).GetRenderFormats().values()


def test_b17_without_a_folder_there_is_no_job(edit: Artist, tmp_path: Path) -> None:
    assert project(edit).AddRenderJob() == ""
    project(edit).SetRenderSettings({"TargetDir": str(tmp_path / "missing")})
    assert project(edit).AddRenderJob() == ""


def test_b17_rendering_takes_its_time_and_says_so_in_the_users_language(edit: Artist, tmp_path: Path) -> None:
    opened = project(edit)
    opened.SetRenderSettings(settings(tmp_path, EDIT, EDIT + 9))
    job = opened.AddRenderJob()
    assert opened.GetRenderJobStatus(job) == {"JobStatus": "Listo", "CompletionPercentage": 0}
    assert opened.StartRendering([job], False) is True
    assert opened.StartRendering([job], False) is False
    edit.standin.clock.sleep(0.25)
    status = opened.GetRenderJobStatus(job)
    assert [status["CompletionPercentage"], status["EstimatedTimeRemainingInMs"]] == [50, 250]
    assert list(tmp_path.iterdir()) == []
    assert opened.DeleteRenderJob(job) is False
    edit.standin.clock.sleep(0.25)
    done = {"JobStatus": "Finalizado", "CompletionPercentage": 100, "TimeTakenToRenderInMs": 500}
    assert opened.GetRenderJobStatus(job) == done
    assert [opened.IsRenderingInProgress(), opened.DeleteRenderJob(job), opened.GetRenderJobList()] == [
        False,
        True,
        [],
    ]


def test_b17_a_stopped_job_writes_nothing(edit: Artist, tmp_path: Path) -> None:
    opened = project(edit)
    opened.SetRenderSettings(settings(tmp_path, EDIT, EDIT + 9))
    job = opened.AddRenderJob()
    opened.StartRendering([job], False)
    opened.StopRendering()
    edit.standin.clock.sleep(60)
    assert opened.GetRenderJobStatus(job)["JobStatus"] == "Cancelado"
    assert list(tmp_path.iterdir()) == []


def test_b17_a_failed_job_has_an_error(edit: Artist, tmp_path: Path) -> None:
    edit.standin.queue.fails_with = "disk full"
    opened = project(edit)
    opened.SetRenderSettings(settings(tmp_path, EDIT, EDIT + 9))
    job = opened.AddRenderJob()
    opened.StartRendering([job], False)
    edit.standin.clock.sleep(60)
    status = opened.GetRenderJobStatus(job)
    assert [status["Error"], status["CompletionPercentage"]] == ["disk full", 50]


def test_b17_an_existing_file_is_kept(edit: Artist, tmp_path: Path) -> None:
    rendered(edit, tmp_path, EDIT, EDIT)
    assert [path.name for path in rendered(edit, tmp_path, EDIT, EDIT)] == ["bake_0.mov"]
    assert rendered(edit, tmp_path, EDIT, EDIT, ReplaceExistingFilesInPlace=True) == []


def test_b17_a_sequence_is_numbered_by_the_timelines_frames(edit: Artist, tmp_path: Path) -> None:
    files = rendered(edit, tmp_path, EDIT, EDIT + 1, codec="exr RGBHalf")
    assert [path.name for path in files] == ["bake00086400.exr", "bake00086401.exr"]
    assert [numbers(path) for path in files] == [[5], [6]]


def test_b17_the_deliver_page_moves_the_marks(edit: Artist) -> None:
    edit.marks(EDIT + 3, EDIT + 5)
    current = project(edit).GetCurrentTimeline()
    assert current.GetMarkInOut()["video"] == {"in": 3, "out": 5}
    assert edit.standin.resolve.OpenPage("Deliver") is False
    assert edit.standin.resolve.OpenPage("deliver") is True
    assert current.GetMarkInOut()["video"] == {"in": 0, "out": 19}


def test_b17_presets_keep_the_whole_page(edit: Artist, tmp_path: Path) -> None:
    opened = project(edit)
    assert opened.SaveAsNewRenderPreset("before") is True
    rendered(edit, tmp_path, EDIT, EDIT, FormatWidth=32)
    assert opened.LoadRenderPreset("before") is True
    assert edit.standin.queue.page["TargetDir"] == ""
    assert opened.DeleteRenderPreset("before") is True
    assert opened.LoadRenderPreset("before") is False


def test_b17_a_preset_leaves_on_the_page_what_no_key_undoes(edit: Artist, tmp_path: Path) -> None:
    """The job says that it exports video, and its file has none (T71)."""
    assert project(edit).LoadRenderPreset("Audio Only") is True
    (path,) = rendered(edit, tmp_path, EDIT, EDIT + 9, ExportVideo=True)
    assert project(edit).GetRenderJobList()[0]["IsExportVideo"] is True
    facts = looked_at(path)
    assert facts is not None
    assert facts.kind == "Audio"


@pytest.mark.parametrize(
    ("profile", "name"), [("studio-20.3.2", "DNxHR HQ"), ("studio-21.0.4", "Avid DNxHR HQ")]
)
def test_b17_descriptions_of_codecs_change_and_ids_stay(seat: Seat, profile: str, name: str) -> None:
    assert project(seat(profile)).GetRenderCodecs("mov")[name] == "DNxHRHQ"


def test_b17_a_job_lists_what_it_was_given(edit: Artist, tmp_path: Path) -> None:
    opened = project(edit)
    opened.SetRenderSettings(settings(tmp_path, EDIT + 1, EDIT + 4))
    job = opened.AddRenderJob()
    (listed,) = opened.GetRenderJobList()
    assert [listed["JobId"], listed["MarkIn"], listed["MarkOut"]] == [job, EDIT + 1, EDIT + 4]
    assert [listed["TargetDir"], listed["FrameRate"], listed["TimelineName"]] == [str(tmp_path), "24", "Edit"]


def test_b18_neighbours_appear_beyond_the_cut(edit: Artist, tmp_path: Path) -> None:
    """Handles rendered on the artist's timeline are the next clip's frames."""
    assert numbers(rendered(edit, tmp_path, EDIT + 8, EDIT + 11)[0]) == [13, 14, 100, 101]


def test_b18_the_top_enabled_item_of_an_enabled_track_wins(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat(video_tracks=2)
    artist.places(artist.imports(clips["a"]), EDIT)
    above = artist.places(artist.imports(clips["b"]), EDIT, track=2)
    assert numbers(rendered(artist, tmp_path, EDIT, EDIT)[0]) == [100]
    above.enabled = False
    assert numbers(rendered(artist, tmp_path, EDIT, EDIT)[0]) == [0]
    above.enabled = True
    project(artist).GetCurrentTimeline().SetTrackEnable("video", 2, False)
    assert numbers(rendered(artist, tmp_path, EDIT, EDIT)[0]) == [0]


@pytest.mark.parametrize(
    ("speed", "shown"),
    [(Fraction(2), [10, 12, 14]), (Fraction(-1), [19, 18, 17]), (Fraction(1, 2), [10, 10, 11])],
)
def test_b18_retimes_are_rendered(
    seat: Seat, clips: Clips, tmp_path: Path, speed: Fraction, shown: list[int]
) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), EDIT, frames=(10, 20), speed=speed)
    assert numbers(rendered(artist, tmp_path, EDIT, EDIT + 2)[0]) == shown


def test_b18_a_clip_of_another_rate_is_conformed(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat(rate="25")
    artist.places(artist.imports(clips["ntsc"]), 90000)
    assert numbers(rendered(artist, tmp_path, 90000, 90005)[0]) == [0, 1, 2, 3, 4, 5]
    assert numbers(rendered(artist, tmp_path, 90010, 90011)[0]) == [11, 13]  # 10 * 29.97 / 25 = 11.99


def test_b18_transparent_pictures_show_what_lies_below_and_alpha_is_kept_on_request(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    half = np.zeros((48, 64, 4), np.float32)
    half[:, :32] = 1
    write_movie(
        tmp_path / "half.mov", [half], CODECS["mov"]["ProRes4444"], Fraction(24), "00:00:00:00", alpha=True
    )
    artist = seat(video_tracks=2)
    artist.places(artist.imports(tmp_path / "half.mov"), EDIT, track=2)
    (path,) = rendered(artist, tmp_path, EDIT, EDIT, codec="mov ProRes4444", ExportAlpha=True)
    alone = frame_at(path, 0)
    assert alone is not None
    assert alone[:, 40:, 3].max() < 0.02
    assert alone[:, :24, 3].min() > 0.98
    artist.places(artist.imports(clips["b"]), EDIT)
    (path,) = rendered(artist, tmp_path, EDIT, EDIT)
    both = frame_at(path, 0)
    below = frame_at(clips["b"], 0)
    assert both is not None
    assert below is not None
    assert np.abs(both[:, 40:] - below[:, 40:]).mean() < 0.02
    assert both[:, :24, :3].min() > 0.9


def test_b18_the_files_timecode_is_the_timelines(edit: Artist, tmp_path: Path) -> None:
    facts = looked_at(rendered(edit, tmp_path, EDIT + 24 - 10, EDIT + 15)[0])
    assert facts is not None
    assert facts.start_timecode == "01:00:00:14"


@pytest.mark.parametrize(("profile", "frames"), [("studio-20.3.2", 10), ("studio-21.0.4", 14)])
def test_b19_frame_handles_are_honoured_from_21_0_4_for_individual_clips(
    seat: Seat, clips: Clips, tmp_path: Path, profile: str, frames: int
) -> None:
    artist = seat(profile)
    artist.places(artist.imports(clips["tc"]), EDIT, frames=(5, 15))
    project(artist).SetCurrentRenderMode(0)
    (path,) = rendered(artist, tmp_path, EDIT, EDIT + 9, AddFrameHandles=2)
    facts = looked_at(path)
    assert facts is not None
    assert [facts.frames, facts.start_timecode] == [frames, f"10:00:00:{5 - (frames - 10) // 2:02}"]


def test_b19_a_single_clip_has_no_handles(edit: Artist, tmp_path: Path) -> None:
    assert len(numbers(rendered(edit, tmp_path, EDIT, EDIT + 9, AddFrameHandles=2)[0])) == 10


def test_an_odd_sized_clip_is_fitted(seat: Seat, tmp_path: Path) -> None:
    artist = seat()
    wide = make_clip(tmp_path / "wide.mov", [5], codec="prores_ks", pix_fmt="yuv422p10le")
    artist.places(artist.imports(wide), EDIT)
    (path,) = rendered(artist, tmp_path, EDIT, EDIT, FormatWidth=128, FormatHeight=48)
    picture = frame_at(path, 0)
    assert picture is not None
    assert picture[:, :28, :3].max() < 0.02
    assert shown_number(picture[:, 32:96, :3], 1) == 5
