-- All tables as they are now, to read and to compare with: going through every migration must
-- lead to exactly these. A new migration changes this file, too.

CREATE TABLE spaces (
    ordinal {row_id},
    space TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    host TEXT NOT NULL,
    phase TEXT NOT NULL,
    private BOOLEAN NOT NULL,
    room TEXT,
    scheduled_at_ms BIGINT,
    started_at_ms BIGINT,
    ended_at_ms BIGINT,
    host_name TEXT NOT NULL DEFAULT '',
    captions BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX spaces_slug ON spaces (slug, ordinal);
CREATE INDEX spaces_room ON spaces (room, ordinal);
CREATE INDEX spaces_phase ON spaces (phase, ordinal);

CREATE TABLE journal (
    space TEXT NOT NULL REFERENCES spaces (space),
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    source TEXT,
    PRIMARY KEY (space, seq)
);

CREATE TABLE outbox (
    id {row_id},
    key TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    collapse BOOLEAN NOT NULL,
    generation BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending',
    result TEXT,
    absorbed_by TEXT,
    error TEXT,
    finished_at_ms BIGINT
);
CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';

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

CREATE TABLE inbox (
    seq {row_id},
    event_key TEXT NOT NULL UNIQUE,
    event_id TEXT NOT NULL,
    room_id TEXT,
    body TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    error TEXT
);
CREATE INDEX inbox_pending ON inbox (seq) WHERE state = 'pending';

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    space TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    guest BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX tokens_holder ON tokens (space, user_id);

CREATE TABLE health (
    key INTEGER PRIMARY KEY,
    beat BIGINT NOT NULL
);

CREATE TABLE followers (
    host TEXT NOT NULL,
    follower TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    alert TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (host, follower)
);
CREATE INDEX followers_follower ON followers (follower);

-- host: '' = everybody
CREATE TABLE silence (
    user_id TEXT NOT NULL,
    host TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, host)
);

CREATE TABLE blocks (
    host TEXT NOT NULL,
    target TEXT NOT NULL,
    blocked_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (host, target)
);

CREATE TABLE policy_rules (
    room TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule_key TEXT NOT NULL,
    entity TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (room, kind, rule_key)
);

CREATE TABLE reports (
    id {row_id},
    source TEXT NOT NULL UNIQUE,
    space TEXT NOT NULL,
    reporter TEXT NOT NULL,
    reported TEXT NOT NULL,
    reason TEXT NOT NULL,
    context TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);

CREATE TABLE crypto_own_device (
    key INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    account TEXT NOT NULL,
    is_published BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE crypto_own_identity (
    key INTEGER PRIMARY KEY,
    master TEXT NOT NULL,
    self_signing TEXT NOT NULL,
    user_signing TEXT NOT NULL,
    seeds TEXT NOT NULL,
    is_published BOOLEAN NOT NULL
);

CREATE TABLE crypto_sync (
    key INTEGER PRIMARY KEY,
    position TEXT NOT NULL
);

CREATE TABLE crypto_olm_sessions (
    ordinal {row_id},
    sender_key TEXT NOT NULL,
    session TEXT NOT NULL,
    pickle TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT NOT NULL,
    UNIQUE (sender_key, session)
);

CREATE TABLE crypto_inbound_sessions (
    ordinal {row_id},
    room TEXT NOT NULL,
    session TEXT NOT NULL,
    sender_key TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    sender TEXT NOT NULL,
    pickle TEXT NOT NULL,
    first_index BIGINT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    UNIQUE (room, session, sender_key)
);
CREATE INDEX crypto_inbound_sessions_sender ON crypto_inbound_sessions (sender);

CREATE TABLE crypto_read_messages (
    ordinal {row_id},
    session TEXT NOT NULL,
    sender_key TEXT NOT NULL,
    message_index BIGINT NOT NULL,
    event TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    UNIQUE (session, sender_key, message_index)
);

-- body: the event as it came
CREATE TABLE crypto_waiting (
    ordinal {row_id},
    event TEXT NOT NULL UNIQUE,
    room TEXT NOT NULL,
    sender TEXT NOT NULL,
    session TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    is_answered BOOLEAN NOT NULL
);
CREATE INDEX crypto_waiting_session ON crypto_waiting (session);

CREATE TABLE crypto_withheld (
    ordinal {row_id},
    room TEXT NOT NULL,
    session TEXT NOT NULL,
    sender TEXT NOT NULL,
    code TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    UNIQUE (room, session, sender)
);
CREATE INDEX crypto_withheld_sender ON crypto_withheld (sender);

CREATE TABLE crypto_to_device (
    ordinal {row_id},
    txn TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    messages TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE crypto_rooms (
    ordinal {row_id},
    room TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL
);

CREATE TABLE crypto_verified (
    ordinal {row_id},
    user_id TEXT NOT NULL UNIQUE,
    master TEXT NOT NULL,
    verified_at_ms BIGINT NOT NULL
);

CREATE TABLE crypto_users (
    ordinal {row_id},
    user_id TEXT NOT NULL UNIQUE,
    master TEXT NOT NULL,
    self_signing TEXT NOT NULL,
    master_keys TEXT NOT NULL,
    is_outdated BOOLEAN NOT NULL,
    asked_at_ms BIGINT NOT NULL
);

CREATE TABLE crypto_known_devices (
    ordinal {row_id},
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    curve25519 TEXT NOT NULL,
    ed25519 TEXT NOT NULL,
    is_cross_signed BOOLEAN NOT NULL,
    UNIQUE (user_id, device)
);

CREATE TABLE crypto_outbound_sessions (
    ordinal {row_id},
    room TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    pickle TEXT NOT NULL,
    messages BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

-- code: '' = the device got the key
CREATE TABLE crypto_key_shares (
    ordinal {row_id},
    session TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    curve25519 TEXT NOT NULL,
    message_index BIGINT NOT NULL,
    code TEXT NOT NULL,
    UNIQUE (session, user_id, device)
);
