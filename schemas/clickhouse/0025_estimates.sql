-- Scores expected of forecasts whose truth was not known yet, by what their own
-- probabilities promise, and what became of them. Grading writes the row again.
CREATE TABLE IF NOT EXISTS estimates
(
    model           LowCardinality(String),
    version         UInt32,
    digest          LowCardinality(String),
    role            LowCardinality(String),
    source          LowCardinality(String) COMMENT 'panel or batch',
    data_source     LowCardinality(String),
    day             Date                   COMMENT 'event day',
    horizon_minutes Int32                  COMMENT '0 = all',
    metric          LowCardinality(String) COMMENT 'brier, log_loss, auc or accuracy',
    estimate        Float64                COMMENT 'of all forecasts without a truth at made_at',
    forecasts       UInt64                 COMMENT 'those',
    made_at         DateTime64(3, 'UTC')   COMMENT 'AsOf, domain time',
    expected        Float64                COMMENT 'the estimate of the graded forecasts alone; NaN = not graded',
    realized        Float64                COMMENT 'their score on truth; NaN = not graded',
    graded          UInt64                 COMMENT 'forecasts that had no truth at made_at and have one now',
    graded_at       DateTime64(3, 'UTC')   COMMENT '1970 = not graded',
    inserted_at     DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree(graded_at)
PARTITION BY toYYYYMM(day)
ORDER BY (model, data_source, day, source, role, version, digest, horizon_minutes, metric, made_at)
TTL inserted_at + INTERVAL 61 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
