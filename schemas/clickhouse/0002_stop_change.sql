-- Every observation of every poll. Attributes are partial: NULL or '' was
-- absent on the wire and means unchanged.
CREATE TABLE IF NOT EXISTS stop_change
(
    source          LowCardinality(String)  COMMENT 'as in stop_plan',
    station_group   LowCardinality(String)  COMMENT 'stations written by one writer, which gives seq',
    seq             UInt64                  COMMENT 'order within the station group, shared with stop_plan',
    polled_at       DateTime64(3, 'UTC')    COMMENT 'when it became known, domain time',
    eva             Int64,
    stop_id         String,
    kind            LowCardinality(String),
    service_day     Date                    COMMENT 'German day on which the trip left its origin',
    planned         Nullable(DateTime('UTC')) COMMENT 'pt, given for added trains',
    changed         Nullable(DateTime('UTC')) COMMENT 'ct',
    platform        LowCardinality(String)  COMMENT 'cp',
    status          LowCardinality(String)  COMMENT 'cs: c cancelled, p reinstated, a added',
    cancel_time     Nullable(DateTime('UTC')) COMMENT 'clt',
    path            String                  COMMENT 'cpth as on the wire' CODEC(ZSTD(3)),
    line            LowCardinality(String),
    category        LowCardinality(String),
    number          String,
    operator        LowCardinality(String),
    class           LowCardinality(String),
    message_ids     Array(String)           COMMENT 'the five message columns have one element a message',
    message_types   Array(LowCardinality(String)),
    message_codes   Array(UInt16)           COMMENT '0 where the wire gives none',
    message_times   Array(DateTime('UTC'))  COMMENT '1970-01-01 where the wire gives none',
    message_deleted Array(UInt8)            COMMENT '1 = revoked',
    inserted_at     DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone',
    INDEX seq_range seq TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(polled_at)
ORDER BY (source, service_day, stop_id, kind, station_group, seq, eva)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
