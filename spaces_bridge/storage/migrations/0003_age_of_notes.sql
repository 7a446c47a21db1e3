-- description: how old a note is
-- compat: 2

ALTER TABLE notes ADD COLUMN at_ms BIGINT NOT NULL DEFAULT 0;
