-- Scores of a version on settled truth, one row a metric and slice.
CREATE TABLE IF NOT EXISTS model_scores
(
    model           LowCardinality(String),
    version         UInt32,
    digest          LowCardinality(String),
    role            LowCardinality(String),
    source          LowCardinality(String) COMMENT 'panel, request, batch or test',
    data_source     LowCardinality(String),
    evidence        LowCardinality(String) COMMENT 'kinds of evidence scored; never pooled',
    from_day        Date                   COMMENT 'first event day',
    until_day       Date                   COMMENT 'first event day after the range',
    horizon_minutes Int32                  COMMENT '0 = all',
    slice_kind      LowCardinality(String) COMMENT 'class, category, station ...; empty = all events',
    slice           String,
    metric          LowCardinality(String),
    value           Float64                COMMENT 'NaN where it does not exist',
    lower           Float64                COMMENT '95 % interval; NaN = not estimated',
    upper           Float64,
    baseline        LowCardinality(String) COMMENT 'best baseline on the same events',
    baseline_value  Float64,
    events          UInt64,
    days            UInt32,
    scored_at       DateTime64(3, 'UTC')   COMMENT 'AsOf, domain time',
    inserted_at     DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(from_day)
ORDER BY (model, source, data_source, evidence, from_day, until_day, horizon_minutes, slice_kind, slice, metric, role, version, digest, scored_at)
TTL inserted_at + INTERVAL 61 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
