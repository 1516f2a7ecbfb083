-- Planned events of the timetable, one row for each time a plan file named
-- the event: a stop that straddles the hour stands in two plan files, and the
-- reader takes the row with the lowest seq, the first moment it was known.
CREATE TABLE IF NOT EXISTS stop_plan
(
    source        LowCardinality(String)  COMMENT 'where the rows came from: live, a recording, a simulated railway',
    station_group LowCardinality(String)  COMMENT 'stations written by one writer, which gives seq',
    seq           UInt64                  COMMENT 'order within the station group, shared with stop_change',
    polled_at     DateTime64(3, 'UTC')    COMMENT 'when it became known, domain time',
    eva           Int64                   COMMENT 'station',
    stop_id       String                  COMMENT 'tripHash-YYMMDDHHMM-index',
    kind          LowCardinality(String)  COMMENT 'arrival or departure',
    trip          String                  COMMENT 'tripHash-YYMMDDHHMM, the same at every stop',
    service_day   Date                    COMMENT 'German day on which the trip left its origin',
    event_day     Date                    COMMENT 'German day of the planned time',
    stop_index    UInt16                  COMMENT 'of the stop on the trip, from 1',
    category      LowCardinality(String),
    number        String,
    operator      LowCardinality(String),
    class         LowCardinality(String),
    line          LowCardinality(String),
    planned       DateTime('UTC'),
    platform      LowCardinality(String),
    path          String                  COMMENT 'station names joined by |, before (arrival) or after (departure) this one' CODEC(ZSTD(3)),
    wings         String,
    next_trip     String,
    inserted_at   DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone',
    INDEX planned_range planned TYPE minmax GRANULARITY 1,
    INDEX seq_range seq TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(planned)
ORDER BY (source, service_day, stop_id, kind, station_group, seq, eva)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
