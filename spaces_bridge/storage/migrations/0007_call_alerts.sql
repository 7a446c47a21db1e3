-- description: how followers want to be alerted in the room when the host goes live
-- compat: 6

-- '' = not in the room: by direct message alone
ALTER TABLE followers ADD COLUMN alert TEXT NOT NULL DEFAULT '';
