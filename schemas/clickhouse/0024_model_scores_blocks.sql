-- What an interval was drawn over: one within few days says less than it seems.
ALTER TABLE model_scores
    ADD COLUMN IF NOT EXISTS blocks LowCardinality(String) COMMENT 'what the interval was drawn over; empty = none was estimated'
