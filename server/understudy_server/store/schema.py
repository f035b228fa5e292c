"""The tables. A message is stored as its bytes; a column beside it exists only to be searched by."""

from __future__ import annotations

VERSION = 1

SCHEMA = """
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
