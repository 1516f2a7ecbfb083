-- Who did what through the API, the command line or the Temporal UI. Kept for
-- ever.
CREATE TABLE IF NOT EXISTS audit
(
    audit_id      String,
    happened_at   DateTime64(3, 'UTC'),
    actor         String                 COMMENT 'identity of the key; unauthenticated where there is none',
    authenticated UInt8,
    role          LowCardinality(String),
    action        LowCardinality(String),
    object        String,
    outcome       LowCardinality(String) COMMENT 'done, refused or failed',
    reason        String,
    details       String                 COMMENT 'JSON object',
    remote        String                 COMMENT 'address it came from'
)
ENGINE = ReplacingMergeTree
ORDER BY (happened_at, audit_id)
SETTINGS non_replicated_deduplication_window = 10000
