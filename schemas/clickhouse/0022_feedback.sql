-- What consumers said of forecasts: what really happened, or that one was of
-- use or of none. Of who said it only the key's id is kept, as the beginning of
-- feedback_id: the same key may say it again, another one cannot change it.
CREATE TABLE IF NOT EXISTS feedback
(
    feedback_id   String                 COMMENT 'of the request that gave it; the same one twice is one',
    prediction_id String,
    kind          LowCardinality(String) COMMENT 'outcome, useful or useless',
    delay_minutes Int32                  COMMENT 'of an outcome that ran, else 0',
    cancelled     UInt8                  COMMENT 'of an outcome',
    comment       String                 COMMENT 'at most 280 characters',
    instance      LowCardinality(String) COMMENT 'API instance',
    given_at      DateTime64(3, 'UTC')   COMMENT 'domain time',
    inserted_at   DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
ORDER BY (prediction_id, feedback_id)
TTL inserted_at + INTERVAL 13 MONTH
SETTINGS non_replicated_deduplication_window = 10000
