-- Drift statistics of one day against a reference.
CREATE TABLE IF NOT EXISTS drift
(
    model       LowCardinality(String),
    version     UInt32,
    data_source LowCardinality(String),
    day         Date,
    subject     LowCardinality(String) COMMENT 'feature, prediction, label ...',
    name        String                 COMMENT 'which feature; empty where the subject has one',
    statistic   LowCardinality(String) COMMENT 'psi, ks, jsd ...',
    value       Float64,
    threshold   Float64                COMMENT 'NaN = watched without a threshold',
    exceeded    UInt8,
    events      UInt64                 COMMENT 'of the day',
    reference   String                 COMMENT 'data set or days compared with',
    measured_at DateTime64(3, 'UTC')   COMMENT 'AsOf, domain time',
    inserted_at DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (model, version, data_source, day, subject, name, statistic, reference, measured_at)
TTL inserted_at + INTERVAL 61 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
