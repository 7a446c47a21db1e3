-- description: people's devices, the sessions by which rooms are encrypted, and who has their keys
-- compat: 6

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
