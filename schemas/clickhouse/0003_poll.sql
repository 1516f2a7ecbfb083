-- One row for each call to the Timetables API, answered or not.
CREATE TABLE IF NOT EXISTS poll
(
    source        LowCardinality(String),
    station_group LowCardinality(String),
    eva           Int64,
    kind          LowCardinality(String) COMMENT 'plan, rchg or fchg',
    hour          DateTime('UTC') COMMENT 'asked for by a plan poll, 1970 otherwise',
    polled_at     DateTime64(3, 'UTC'),
    status        LowCardinality(String) COMMENT 'ok, missing or failed',
    error         String                 COMMENT 'what failed, empty when ok',
    stops         UInt32,
    changes       UInt32                 COMMENT 'events written to stop_plan or stop_change',
    quarantined   UInt32                 COMMENT 'elements that could not be read',
    raw_key       String                 COMMENT 'object that holds the response',
    raw_sha256    String,
    inserted_at   DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(polled_at)
ORDER BY (source, eva, kind, polled_at, hour)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
