-- Experiments: one row a state of a run, the highest version is its present.
-- Kept for ever.
CREATE TABLE IF NOT EXISTS runs
(
    run_id         String,
    experiment     String                 COMMENT 'runs that are compared with each other',
    name           String,
    status         LowCardinality(String) COMMENT 'running, finished, failed or killed',
    algorithm      LowCardinality(String),
    dataset_id     String,
    dataset_sha256 String,
    model          String                 COMMENT 'model the run is a candidate for',
    artifact_key   String                 COMMENT 'prefix of the run''s objects',
    code_version   String,
    workflow_id    String,
    seed           Int64,
    started_at     DateTime64(3, 'UTC'),
    ended_at       Nullable(DateTime64(3, 'UTC')),
    error          String,
    version        UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (run_id)
SETTINGS non_replicated_deduplication_window = 10000
