-- Parameters of a run, as text. Kept for ever.
CREATE TABLE IF NOT EXISTS run_params
(
    run_id String,
    name   String,
    value  String
)
ENGINE = ReplacingMergeTree
ORDER BY (run_id, name)
SETTINGS non_replicated_deduplication_window = 10000
