-- What monitoring decided and why. Kept for ever.
CREATE TABLE IF NOT EXISTS verdicts
(
    verdict_id  String,
    model       LowCardinality(String),
    version     UInt32,
    data_source LowCardinality(String),
    day         Date                   COMMENT 'last event day judged',
    action      LowCardinality(String) COMMENT 'nothing, recalibrate, retrain or alert',
    rule        LowCardinality(String) COMMENT 'the rule that decided',
    reason      String,
    figures     String                 COMMENT 'JSON object: the figures the rule saw',
    workflow_id String,
    decided_at  DateTime64(3, 'UTC')   COMMENT 'AsOf, domain time'
)
ENGINE = ReplacingMergeTree
ORDER BY (model, decided_at, verdict_id)
SETTINGS non_replicated_deduplication_window = 10000
