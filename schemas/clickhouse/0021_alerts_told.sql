-- What of an alert has been sent: a webhook that was down is told later.
ALTER TABLE alerts
    ADD COLUMN IF NOT EXISTS told LowCardinality(String) COMMENT 'severity or resolved, as last sent to the webhook; empty = not sent'
