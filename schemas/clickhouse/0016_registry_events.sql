-- The history of what was live: every change of a version or alias. Kept for
-- ever.
CREATE TABLE IF NOT EXISTS registry_events
(
    event_id         String,
    model            LowCardinality(String),
    version          UInt32,
    digest           String,
    event            LowCardinality(String) COMMENT 'registered, promoted, approved, rejected, rolled_back ...',
    alias            LowCardinality(String) COMMENT 'champion or challenger; empty where none changed',
    mode             LowCardinality(String) COMMENT 'of a challenger: shadow or canary',
    previous_version UInt32                 COMMENT 'what the alias named before; 0 = nothing',
    actor            String,
    reason           String,
    workflow_id      String,
    details          String                 COMMENT 'JSON object',
    happened_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (model, happened_at, event_id)
SETTINGS non_replicated_deduplication_window = 10000
