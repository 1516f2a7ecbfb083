-- Where imported rows came from: one record a file, with the terms under which
-- it may be used. Kept for ever.
CREATE TABLE IF NOT EXISTS sources
(
    source        LowCardinality(String)  COMMENT 'of the rows in the store',
    sha256        String                  COMMENT 'of the file, hex',
    file          String                  COMMENT 'its name, without directory',
    size_bytes    UInt64,
    object_key    String                  COMMENT 'object that holds the file; empty where its responses are kept in bundles alone',
    name          String                  COMMENT 'of the source of the file, as it was given',
    publisher     String,
    url           String,
    retrieved_at  DateTime('UTC')         COMMENT '1970 = not known',
    licence       String,
    terms         String,
    attribution   String,
    personal_data UInt8,
    first_day     String                  COMMENT 'German calendar day of the first event or poll, 2006-01-02; empty = not known yet',
    last_day      String,
    rows          UInt64                  COMMENT 'rows or responses that were read of it',
    imported_at   DateTime64(3, 'UTC')    COMMENT 'domain time',
    version       UInt64                  COMMENT 'a higher version supersedes'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, sha256)
SETTINGS non_replicated_deduplication_window = 10000
