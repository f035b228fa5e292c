"""The tables. A message is stored as its bytes; a column beside it exists only to be searched by.

MIGRATIONS[n] leads from format n to n + 1; a new file goes through all of them. What has been released is never
changed, only added to.
"""

from __future__ import annotations

FIRST = """
CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation
    name          TEXT NOT NULL UNIQUE,               -- "jobs/..."
    state         INTEGER NOT NULL,                   -- JobState
    crashes       INTEGER NOT NULL DEFAULT 0,         -- engine deaths since a segment was stored
    body          BLOB NOT NULL                       -- Job
);
CREATE INDEX jobs_by_state ON jobs (state, id);

CREATE TABLE requests (
    request_id    TEXT PRIMARY KEY,
    digest        BLOB NOT NULL,                      -- sha256 of the request without its id
    job           TEXT NOT NULL REFERENCES jobs (name)
) WITHOUT ROWID;

CREATE TABLE events (
    job           TEXT NOT NULL REFERENCES jobs (name),
    sequence      INTEGER NOT NULL,                   -- 1, 2, 3, ... without a gap
    body          BLOB NOT NULL,                      -- JobEvent
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;

CREATE TABLE segments (
    job           TEXT NOT NULL REFERENCES jobs (name),
    number        INTEGER NOT NULL,                   -- Segment.index
    body          BLOB NOT NULL,                      -- Segment
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE media (
    name          TEXT PRIMARY KEY,                   -- "media/..."
    path          TEXT NOT NULL,                      -- real and absolute
    kind          INTEGER NOT NULL,                   -- MediaKind as it was asked for
    identity      TEXT NOT NULL,                      -- tells whether the file has changed
    body          BLOB NOT NULL,                      -- MediaAsset
    UNIQUE (path, kind, identity)
) WITHOUT ROWID;
"""

# Tables that refer to jobs say ON DELETE CASCADE from here on; the first format's rows are deleted by hand.
LASTING_JOBS = """
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;      -- higher first
ALTER TABLE jobs ADD COLUMN shot TEXT NOT NULL DEFAULT '';            -- "shots/..."
ALTER TABLE jobs ADD COLUMN pause_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN clean_at REAL;                            -- seconds since 1970; NULL: nothing to clean
CREATE INDEX jobs_by_turn ON jobs (state, priority DESC, id);
CREATE INDEX jobs_by_shot ON jobs (shot, id);
CREATE INDEX jobs_paused ON jobs (pause_reason, id) WHERE pause_reason != '';
CREATE INDEX jobs_to_clean ON jobs (clean_at) WHERE clean_at IS NOT NULL;
CREATE INDEX requests_by_job ON requests (job);

CREATE TABLE labels (
    job           TEXT NOT NULL REFERENCES jobs (name) ON DELETE CASCADE,
    key           TEXT NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (job, key)
) WITHOUT ROWID;
CREATE INDEX labels_by_value ON labels (key, value, job);
"""

TAKES = """
CREATE TABLE shots (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation
    name          TEXT NOT NULL UNIQUE,               -- "shots/..."
    clip          TEXT NOT NULL,                      -- "media/..."
    first_frame   INTEGER NOT NULL,
    end_frame     INTEGER NOT NULL,                   -- not included; 0: all, of a clip whose length nobody told
    verb          TEXT NOT NULL,
    takes         INTEGER NOT NULL DEFAULT 0,         -- how many there ever were: no number is given twice
    UNIQUE (clip, first_frame, end_frame, verb)
);

CREATE TABLE takes (
    job           TEXT PRIMARY KEY REFERENCES jobs (name) ON DELETE CASCADE,
    shot          TEXT NOT NULL REFERENCES shots (name),
    number        INTEGER NOT NULL,                   -- 1, 2, 3, ...
    promoted      INTEGER NOT NULL DEFAULT 0,
    work          BLOB NOT NULL,                      -- JobSpec: of a retake, its base's with the changes
    UNIQUE (shot, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_promoted_take ON takes (shot) WHERE promoted;
"""

UPLOADS = """
ALTER TABLE media ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';         -- as MediaAsset.sha256
ALTER TABLE media ADD COLUMN uploaded INTEGER NOT NULL DEFAULT 0;     -- 1: the file is the server's own
ALTER TABLE media ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;      -- nanoseconds since 1970: the order of listing
ALTER TABLE media ADD COLUMN asked_at REAL NOT NULL DEFAULT 0;        -- seconds since 1970: when a client last had it
CREATE INDEX media_by_content ON media (sha256) WHERE sha256 != '';
CREATE INDEX media_by_time ON media (made_at, name);
"""

LESSONS = """
CREATE TABLE lessons (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which jobs ended
    job           TEXT NOT NULL UNIQUE,               -- may be deleted: what it taught stays
    model         TEXT NOT NULL,
    device        TEXT NOT NULL,
    start_s       REAL NOT NULL,                      -- Lesson, field by field
    denoise_s     REAL NOT NULL,
    make_s        REAL NOT NULL,
    finish_s      REAL NOT NULL,
    denoise_flops REAL NOT NULL,
    make_px       REAL NOT NULL,
    finish_px     REAL NOT NULL
);
CREATE INDEX lessons_by_model ON lessons (model, device, id);
"""

FINDING = """
ALTER TABLE lessons ADD COLUMN find_s REAL NOT NULL DEFAULT 0;        -- Lesson goes on; 0: nothing was to be found
ALTER TABLE lessons ADD COLUMN find_frames REAL NOT NULL DEFAULT 0;
"""

ANALYSES = """
CREATE TABLE analyses (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation
    name          TEXT NOT NULL UNIQUE,               -- "analyses/..."
    content       BLOB NOT NULL UNIQUE,               -- sha256 of the clip's file, the range and the settings
    state         INTEGER NOT NULL,                   -- AnalysisState
    turn          INTEGER NOT NULL,                   -- the order in the queue
    body          BLOB NOT NULL                       -- Analysis
);
CREATE INDEX analyses_by_turn ON analyses (state, turn);

CREATE TABLE given_frames (
    analysis      TEXT NOT NULL REFERENCES analyses (name) ON DELETE CASCADE,
    kind          TEXT NOT NULL,                      -- "points" or "matte"
    frame         INTEGER NOT NULL,                   -- of the clip
    body          BLOB NOT NULL,                      -- PointFrame, or a PNG
    PRIMARY KEY (analysis, kind, frame)
) WITHOUT ROWID;
"""

MIGRATIONS = (FIRST, LASTING_JOBS, TAKES, UPLOADS, LESSONS, FINDING, ANALYSES)
VERSION = len(MIGRATIONS)
