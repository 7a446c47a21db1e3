-- description: followers, silence, blocks, policy rules, reports
-- compat: 2

CREATE TABLE followers (
    host TEXT NOT NULL,
    follower TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
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
