-- Settled events. Every revision is kept, so that a data set can be rebuilt
-- as of the moment it was made: a reader takes, of the rows settled up to its
-- moment, the one with the highest version.
CREATE TABLE IF NOT EXISTS ground_truth
(
    source                  LowCardinality(String),
    eva                     Int64,
    stop_id                 String,
    kind                    LowCardinality(String),
    event_day               Date             COMMENT 'German day of the planned time',
    service_day             Date,
    planned                 DateTime('UTC'),
    actual                  DateTime('UTC')  COMMENT 'equals planned without an observed change',
    delay_minutes           Int32            COMMENT 'actual - planned; meaningless when cancelled',
    cancelled               UInt8,
    evidence                LowCardinality(String) COMMENT 'change_observed or polled_without_change',
    last_seen               DateTime64(3, 'UTC') COMMENT 'poll that gave the last word',
    last_seen_after_seconds Int32            COMMENT 'last_seen - actual',
    settled_at              DateTime64(3, 'UTC') COMMENT 'AsOf of the settlement, domain time',
    version                 UInt64           COMMENT 'settled_at in milliseconds since 1970',
    inserted_at             DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(event_day)
ORDER BY (source, event_day, stop_id, kind, version)
TTL inserted_at + INTERVAL 61 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
