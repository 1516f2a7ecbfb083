-- Every forecast that was answered or made by the panel, with all that is
-- needed to make it again. Written through the spool, once per prediction_id.
CREATE TABLE IF NOT EXISTS predictions
(
    request_id      String,
    prediction_id   String                 COMMENT 'unique; the spool may send it twice',
    source          LowCardinality(String) COMMENT 'request, panel or batch',
    data_source     LowCardinality(String) COMMENT 'source of stop_plan and ground_truth',
    station_group   LowCardinality(String),
    model           LowCardinality(String),
    version         UInt32,
    digest          LowCardinality(String) COMMENT 'SHA-256 of the package manifest',
    role            LowCardinality(String) COMMENT 'champion, shadow or canary',
    instance        LowCardinality(String) COMMENT 'API instance',
    eva             Int64,
    stop_id         String,
    kind            LowCardinality(String),
    event_day       Date,
    planned         DateTime('UTC'),
    predicted_at    DateTime64(3, 'UTC')   COMMENT 'domain time of the cut-off',
    horizon_minutes Int32                  COMMENT 'grid horizon of a panel row, else whole minutes from predicted_at to planned',
    last_seq        UInt64                 COMMENT 'last seq of the station group applied to the live state',
    features        Array(Float32)         COMMENT 'in the order of the package; NaN = not known' CODEC(ZSTD(3)),
    cumulative      Array(Float64)         COMMENT 'P(delay <= edge | runs) at the bucket edges of the package',
    p_on_time       Float64                COMMENT 'P(delay <= 5 min | runs)',
    p_cancelled     Float64,
    p_baseline      Float64                COMMENT 'P(delay <= 5 min | runs) of the baseline beside it; NaN = none',
    latency_us      UInt32,
    inserted_at     DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone',
    INDEX prediction_ids prediction_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX request_ids request_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(event_day)
ORDER BY (model, source, event_day, stop_id, kind, horizon_minutes, version, prediction_id)
TTL inserted_at + INTERVAL 13 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
