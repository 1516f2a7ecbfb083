-- Counts of one day for one key (a train, a line, a station ...), append-only:
-- a revision is a row with a higher version and a later known_at, so a reader
-- at an earlier moment still sees what was known then.
CREATE TABLE IF NOT EXISTS feature_daily
(
    source      LowCardinality(String),
    day         Date                   COMMENT 'event day',
    key_kind    LowCardinality(String) COMMENT 'what key names: train, line, station ...',
    key         String,
    events      UInt32                 COMMENT 'settled events, cancelled ones included',
    late        UInt32                 COMMENT 'ran and at least 6 minutes late',
    cancelled   UInt32,
    delay_sum   Int64                  COMMENT 'minutes, of the events that ran',
    known_at    DateTime64(3, 'UTC')   COMMENT 'AsOf of the settlement behind it, domain time',
    version     UInt64,
    inserted_at DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (source, key_kind, key, day, version)
TTL inserted_at + INTERVAL 61 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
