-- Metrics of a run, by step. Kept for ever.
CREATE TABLE IF NOT EXISTS run_metrics
(
    run_id      String,
    name        LowCardinality(String),
    step        Int64                COMMENT 'boosting round, fold ...; 0 for a final value',
    value       Float64              COMMENT 'NaN where it does not exist',
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (run_id, name, step)
SETTINGS non_replicated_deduplication_window = 10000
