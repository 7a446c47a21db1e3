-- description: what the directory shows of ended live spaces
-- compat: 2

ALTER TABLE spaces ADD COLUMN host_name TEXT NOT NULL DEFAULT '';
ALTER TABLE spaces ADD COLUMN captions BIGINT NOT NULL DEFAULT 0;
UPDATE spaces SET captions = (
    SELECT count(*) FROM journal
    WHERE journal.space = spaces.space AND journal.kind = 'UtteranceCaptioned'
);
