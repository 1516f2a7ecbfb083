-- What a parser refused, with the place where the response still lies.
CREATE TABLE IF NOT EXISTS quarantine
(
    source      LowCardinality(String),
    eva         Int64,
    polled_at   DateTime64(3, 'UTC'),
    raw_key     String,
    file        String COMMENT 'name of the file or call',
    element     String COMMENT 'path of the element in the document',
    value       String COMMENT 'as it stood there',
    reason      String,
    inserted_at DateTime('UTC') DEFAULT now() COMMENT 'server time, for the TTL alone'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(polled_at)
ORDER BY (source, eva, polled_at, raw_key, file, element, value, reason)
TTL inserted_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1
