-- What the Timetables API sent beyond its published schema: one row for each
-- name and batch of responses. The responses themselves keep it in full.
CREATE TABLE IF NOT EXISTS unknown_attribute
(
    source        LowCardinality(String),
    station_group LowCardinality(String),
    element       LowCardinality(String) COMMENT 'where it stands, such as ar',
    name          LowCardinality(String) COMMENT '@name of an attribute, else the name of a child element',
    polled_at     DateTime64(3, 'UTC')   COMMENT 'first poll of the batch that had it',
    eva           Int64                  COMMENT 'station of that poll',
    count         UInt64                 COMMENT 'in the batch',
    example       String                 COMMENT 'its first value, empty for an element',
    file          String                 COMMENT 'entry of the raw bundle that has it first',
    raw_key       String                 COMMENT 'the raw bundle',
    inserted_at   DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(polled_at)
ORDER BY (source, element, name, polled_at, station_group, raw_key)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
