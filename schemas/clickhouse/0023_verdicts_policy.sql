-- What a verdict was decided by, whole: with the nights it names it can be decided
-- again from what is stored.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS policy_name    LowCardinality(String),
    ADD COLUMN IF NOT EXISTS policy_version UInt32,
    ADD COLUMN IF NOT EXISTS policy_sha256  String               COMMENT 'of the canonical form',
    ADD COLUMN IF NOT EXISTS policy         String               COMMENT 'JSON: the policy in its canonical form; empty before there were policy files',
    ADD COLUMN IF NOT EXISTS verdict        String               COMMENT 'JSON: kind, reasons, how each rule stands, the earlier nights looked at',
    ADD COLUMN IF NOT EXISTS severity       LowCardinality(String) COMMENT 'the worst of the rules that fire',
    ADD COLUMN IF NOT EXISTS act            LowCardinality(String) COMMENT 'started, joined or failed; empty where nothing was asked for',
    ADD COLUMN IF NOT EXISTS reference      String               COMMENT 'workflow that was started or joined',
    ADD COLUMN IF NOT EXISTS note           String               COMMENT 'what came of it',
    ADD COLUMN IF NOT EXISTS evidence       String               COMMENT 'key of the evidence handed over',
    ADD COLUMN IF NOT EXISTS report         String               COMMENT 'key of the night''s report'
