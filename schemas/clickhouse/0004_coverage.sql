-- What was watched, by station and hour: absence is never read as "no train".
CREATE TABLE IF NOT EXISTS coverage
(
    source              LowCardinality(String),
    eva                 Int64,
    hour                DateTime('UTC')  COMMENT 'start of the hour',
    plan_known          UInt8            COMMENT '1 = the plan file of the hour was read',
    polls               UInt32           COMMENT 'successful polls for changes',
    longest_gap_seconds UInt32           COMMENT 'between polls within the hour, its edges counted as polls of the neighbouring hours',
    quarantined         UInt32,
    version             UInt64           COMMENT 'a higher version supersedes',
    inserted_at         DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (source, eva, hour)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
