-- How many values fell into each bin of a reference, by hour of the planned
-- time. Counts add up over hours and days, so that no row is read twice.
CREATE TABLE IF NOT EXISTS drift_counts
(
    model       LowCardinality(String) COMMENT 'empty for what does not depend on a model',
    version     UInt32,
    digest      LowCardinality(String) COMMENT 'of the package whose references gave the bins',
    data_source LowCardinality(String),
    source      LowCardinality(String) COMMENT 'panel, batch or plan',
    day         Date                   COMMENT 'event day',
    hour        DateTime('UTC')        COMMENT 'start of the hour of the planned time',
    subject     LowCardinality(String) COMMENT 'feature, forecast or category',
    name        LowCardinality(String) COMMENT 'of the feature or of the column of the plan',
    labels      Array(String)          COMMENT 'of categories, one a bin; empty for bins of a reference',
    bins        Array(UInt64),
    missing     UInt64                 COMMENT 'values that were not known',
    total       UInt64                 COMMENT 'rows of the hour when they were counted; more have come since where the hour has more',
    counted_at  DateTime64(3, 'UTC')   COMMENT 'AsOf, domain time',
    inserted_at DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree(counted_at)
PARTITION BY toYYYYMM(day)
ORDER BY (data_source, model, source, digest, day, hour, subject, name)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
