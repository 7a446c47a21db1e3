-- description: the bot's encryption device, its sessions, and what waits for a key
-- compat: 6

-- the bot's own: one row each, `key` is 0
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
