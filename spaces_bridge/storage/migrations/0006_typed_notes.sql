-- description: notes as typed records, each kept as long as its kind says
-- compat: 6
-- then: old_notes

-- key: one part as it is, more as a JSON list. space: only where the note goes some time after its
-- live space ended.
CREATE TABLE note_records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    space TEXT,
    written_at_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX note_records_written ON note_records (kind, written_at_ms);
CREATE INDEX note_records_space ON note_records (space);
