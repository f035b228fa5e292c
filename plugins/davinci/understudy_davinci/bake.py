"""A clip that is not read from its file is rendered by Resolve: on a timeline of our own, into a folder of its own.

The artist's timeline, marks and render queue are not touched. What the Deliver page holds cannot be read by a script,
so it is kept as a preset, put back, and the preset deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import renders
from .append import put
from .errors import Cancelled, Refusal
from .frames import Handles, RecordSpan, SourceSpan, with_handles
from .host import Host, Timeline
from .journal import Journal
from .names import PRODUCT, render_name
from .shot import Footage, Note, Progress, Shot, Tell, Wanted
from .source import Decision, Render, shown_with_handles
from .state import kept, succeeds

MOVIES = (
    ("mov", "ProRes4444"), ("mov", "ProRes422HQ"), ("mov", "DNxHR444_12"), ("mov", "DNxHRHQX_10"), ("mov", "DNxHRHQ"),
)  # fmt: skip
SEQUENCES = (("exr", "RGBHalf"), ("dpx", "RGB10"), ("tif", "RGB16"))
"""Ids of formats and codecs, the best first: which there are depends on the system, the licence and the version."""

FREE_EDGE_PX = 3840  # the free edition renders up to UHD
LOOK_S = 0.5  # between two looks at the render queue
LISTING_LOOKS = 10  # until a job that was added is listed
SETTLING_LOOKS = 10  # after 100 %, while Resolve still renders: the end of this job, or a job of the artist's


def bake(
    host: Host, shot: Shot, decision: Decision, folder: Path, uid: str, *,
    handles: int, sequence: bool, tell: Tell, wanted: Wanted,
) -> Footage:  # fmt: skip
    """Resolve's render of *shot*. *folder* is the plugin's, where journals and renders lie.

    Raises:
        Refusal: it cannot be rendered; Resolve is as before. Cancelled: it is not wanted any more.
    """
    if host.is_rendering():
        raise Refusal("Resolve is rendering already. Wait until the render queue is done, then try again.")
    tell(Note(f"“{shot.name}” {decision.why}, so Resolve renders it"))
    journal = Journal.begin(folder / "journal", f"render-{uid}", shot.project)
    target = renders.place(folder, uid)
    journal.note("render", name=render_name(uid), folder=str(target), timeline=shot.timeline)
    target.mkdir(parents=True, exist_ok=True)
    work = _Render(host, shot, target, render_name(uid), journal, tell, wanted)
    notes: list[str] = []
    try:
        with kept(host, journal) as notes:
            try:
                footage = work.run(decision, handles, SEQUENCES if sequence else MOVIES)
            finally:
                notes.extend(undo(host, journal))
    except Exception:
        renders.remove(target)
        _settle(journal, notes, tell)
        raise
    _settle(journal, notes, tell)
    return footage


def _settle(journal: Journal, notes: list[str], tell: Tell) -> None:
    """The journal stays while there is something left to undo."""
    for note in notes:
        tell(Note(note))
    if not notes:
        journal.close()


class _Render:
    def __init__(
        self, host: Host, shot: Shot, folder: Path, name: str, journal: Journal, tell: Tell, wanted: Wanted
    ) -> None:
        self._host = host
        self._shot = shot
        self._folder = folder
        self._name = name
        self._journal = journal
        self._tell = tell
        self._wanted = wanted

    def run(self, decision: Decision, handles: int, formats: tuple[tuple[str, str], ...]) -> Footage:
        self._keep_settings()
        if decision.render is Render.AS_SEEN:
            span, beside, size = self._as_seen()
        else:
            span, beside, size = self._clean(handles)
        self._render(span, size, formats)
        return Footage(
            path=self._written(span.length, formats is SEQUENCES),
            span=SourceSpan(0, span.length),
            before=beside.before,
            behind=beside.behind,
            why=decision.why,
            as_seen=decision.render is Render.AS_SEEN,
            colour_space=self._host.project_setting("colorSpaceOutput") if self._shot.managed else "",
        )

    def _keep_settings(self) -> None:
        format, mode = self._host.render_format(), self._host.render_mode()
        self._journal.note("settings", format=list(format), mode=mode)
        if self._host.keep_render_settings(self._name):
            self._host.begin_render_settings()
        else:
            text = (
                "This Resolve cannot keep what the Deliver page holds: set its folder and name again by hand."
            )
            self._tell(Note(text))

    # ---- Timelines of our own ----------------------------------------------------------------------------

    def _clean(self, handles: int) -> tuple[RecordSpan, Handles, tuple[int, int]]:
        """The clip's media alone, as long as the shot and its handles, at its own size."""
        host, shot = self._host, self._shot
        artists = self._artists_timeline()
        item = host.item_with_id(artists, shot.item)
        media = host.pool_item(item) if item else None
        if media is None:
            raise Refusal(f"“{shot.name}” is not on the timeline any more. Select it again.")
        shown, beside = shown_with_handles(shot, handles)
        source = with_handles(shown, beside)
        timeline = host.new_timeline(self._name, host.sub_bin(host.root_bin(), PRODUCT))
        host.show_timeline(timeline)
        size = self._size(artists)
        self._set_up(timeline, size)
        start = host.timeline_span(timeline).start
        record = RecordSpan(start, start + source.length)
        if not host.track_count(timeline):
            host.add_track(timeline)
        self._journal.note("page", page="edit")
        host.open_page("edit")
        put(host, timeline, media, source, 1, record)
        return record, beside, size

    def _size(self, artists: Timeline) -> tuple[int, int]:
        """The clip's own, or the timeline's where it is not known, or more than the free edition renders."""
        size = self._shot.media.size
        is_too_large = max(size) > FREE_EDGE_PX and not self._host.edition().is_studio
        return self._host.timeline_size(artists) if is_too_large or not all(size) else size

    def _set_up(self, timeline: Timeline, size: tuple[int, int]) -> None:
        """The clip's rate and size. Raises Refusal if the rate does not stick: frames would be left out."""
        host, rate = self._host, self._shot.rate
        host.set_timeline_setting(timeline, "useCustomSettings", "1")
        host.set_timeline_setting(timeline, "timelineResolutionWidth", str(size[0]))
        host.set_timeline_setting(timeline, "timelineResolutionHeight", str(size[1]))
        if host.timeline_rate(timeline).fps != rate.fps:
            host.set_timeline_setting(timeline, "timelineFrameRate", rate.setting)
        found = host.timeline_rate(timeline)
        if found.fps != rate.fps:
            raise Refusal(
                f"Resolve makes timelines of {float(found.fps):.5g} frames a second in this project and “"
                f"{self._shot.name}” has {float(rate.fps):.5g}. Open it in a project of its own rate."
            )

    def _as_seen(self) -> tuple[RecordSpan, Handles, tuple[int, int]]:
        """A copy of the artist's timeline with all but the clip's track off: neighbours lie where handles would."""
        host, shot = self._host, self._shot
        artists = self._artists_timeline()
        copy = host.copy_timeline(artists, self._name, host.sub_bin(host.root_bin(), PRODUCT))
        host.show_timeline(copy)
        if not any(host.span(each) == shot.cut for each in host.items(copy, shot.track)):
            raise Refusal(f"Resolve's copy of the timeline does not hold “{shot.name}”. Select it again.")
        for track in range(1, host.track_count(copy) + 1):
            host.enable_track(copy, track, track == shot.track)
        for item in host.items(copy, shot.track):
            if host.span(item) == shot.cut:
                host.enable(item, True)
        return shot.part, Handles(0, 0), host.timeline_size(artists)

    def _artists_timeline(self) -> Timeline:
        found = self._host.timeline_by_id(self._shot.timeline)
        if found is None:
            raise Refusal(
                f"The timeline of “{self._shot.name}” is not there any more. Select the clip again."
            )
        return found

    # ---- The render itself -------------------------------------------------------------------------------

    def _render(self, span: RecordSpan, size: tuple[int, int], formats: tuple[tuple[str, str], ...]) -> None:
        host = self._host
        self._journal.note("page", page="deliver")
        host.open_page("deliver")
        self._choose_format(formats)
        host.set_render_mode(1)
        host.set_render(self._folder, "clip", span, self._shot.rate, size)
        job = host.add_render_job()
        self._journal.note("render_job", job=job)
        self._check_timeline(job)
        host.start_render(job)
        self._wait(job)

    def _check_timeline(self, job: str) -> None:
        """A job is made of the timeline that is open at that moment, and the artist may just have opened another."""
        for _ in range(LISTING_LOOKS):
            if told := self._host.timeline_of_render_job(job):
                break
            self._host.clock.sleep(LOOK_S)
        if told != self._name:
            raise Refusal(
                f"Another timeline was opened when Resolve was to render “{self._shot.name}”. Run Understudy again, "
                "and leave the timeline open until it renders."
            )

    def _choose_format(self, formats: tuple[tuple[str, str], ...]) -> None:
        for format, codec in formats:
            if codec in self._host.codecs(format) and self._host.set_render_format(format, codec):
                return
        tried = ", ".join(codec for _, codec in formats)
        raise Refusal(
            f"This Resolve renders none of {tried}. Render the clip by hand and read it from its file."
        )

    def _wait(self, job: str) -> None:
        host = self._host
        looks_left = SETTLING_LOOKS
        while True:
            is_rendering = host.is_rendering()  # asked first, so that what is done by then is told done
            status = host.render_status(job)
            if status.error:
                raise Refusal(f"Resolve could not render “{self._shot.name}”: {status.error.rstrip('.')}.")
            if status.fraction >= 1 and (not is_rendering or looks_left == 0):
                return
            looks_left -= status.fraction >= 1
            if not is_rendering:
                told = f"{status.fraction:.0%}"
                raise Refusal(
                    f"Resolve stopped rendering “{self._shot.name}” at {told}. Run Understudy again."
                )
            if not self._wanted():
                host.stop_render()
                raise Cancelled("Cancelled while Resolve rendered the clip.")
            self._tell(Progress(status.fraction, "Resolve renders the clip"))
            host.clock.sleep(LOOK_S)

    def _written(self, frames: int, is_sequence: bool) -> Path:
        """What lies in the folder now; its name is Resolve's affair."""
        files = sorted(path for path in self._folder.iterdir() if path.is_file() and path.stat().st_size)
        if is_sequence and len(files) == frames:
            return self._folder
        if not is_sequence and len(files) == 1:
            return files[0]
        raise Refusal(
            f"Resolve said that “{self._shot.name}” is rendered, and {len(files)} files are there instead of "
            f"{frames if is_sequence else 1}. Look whether the disk is full, then run Understudy again."
        )


# ---- Putting it right: after a render, and after one that was killed ------------------------------------------


def undo(host: Host, journal: Journal) -> list[str]:
    """Takes away what a render left in Resolve; what could not be is told, a sentence each."""
    attempts: list[tuple[str, Callable[[], bool]]] = [
        ("delete its render job", lambda: _no_jobs(host, journal)),
        ("delete its timeline", lambda: _no_timelines(host, journal)),
        ("put back the settings of the Deliver page", lambda: _settings_back(host, journal)),
    ]
    failed = [what for what, attempt in attempts if not succeeds(attempt)]
    return [f"Resolve would not {what}; Understudy tries it again when it is next run." for what in failed]


def _no_jobs(host: Host, journal: Journal) -> bool:
    """The job whose id was noted, and one that was made right before the run was killed."""
    folder = str((journal.last("render") or {}).get("folder", ""))
    ours = host.render_jobs_into(folder)
    if noted := journal.last("render_job"):
        ours = sorted({*ours, str(noted["job"])})
    for job in ours:
        if not host.delete_render_job(job) and job in host.render_jobs() and host.is_rendering():
            host.stop_render()  # what renders is this job: others can be deleted
            host.delete_render_job(job)
    return not set(ours) & set(host.render_jobs())


def _no_timelines(host: Host, journal: Journal) -> bool:
    """Deletes ours, once the artist's is shown again."""
    facts = journal.last("render") or {}
    ours = host.timelines_named(str(facts.get("name")))
    artists = host.timeline_by_id(str(facts.get("timeline"))) if ours else None
    if artists is not None:
        host.show_timeline(artists)
    gone = [host.delete_timeline(each) for each in ours]
    host.drop_bin_if_empty(host.root_bin(), PRODUCT)
    return all(gone)


def _settings_back(host: Host, journal: Journal) -> bool:
    found = journal.last("settings")
    if found is None:
        return True
    name = str((journal.last("render") or {}).get("name"))
    if host.are_render_settings_kept(name):
        is_back = host.put_back_render_settings(name)
        if not is_back or not host.forget_render_settings(name):
            return False
    format, mode = (str(found["format"][0]), str(found["format"][1])), int(found["mode"])
    is_format = host.render_format() == format or not all(format) or host.set_render_format(*format)
    return is_format and host.set_render_mode(mode)
