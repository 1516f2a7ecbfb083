-- Alerts: one row a state, the highest version is the present one.
CREATE TABLE IF NOT EXISTS alerts
(
    alert_id    String,
    name        LowCardinality(String),
    severity    LowCardinality(String) COMMENT 'info, warning or critical',
    state       LowCardinality(String) COMMENT 'firing or resolved',
    subject     String                 COMMENT 'model, station group ... it is about',
    summary     String,
    details     String                 COMMENT 'JSON object',
    workflow_id String,
    raised_at   DateTime64(3, 'UTC'),
    resolved_at Nullable(DateTime64(3, 'UTC')),
    version     UInt64,
    inserted_at DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (alert_id)
TTL inserted_at + INTERVAL 61 MONTH
SETTINGS non_replicated_deduplication_window = 10000
