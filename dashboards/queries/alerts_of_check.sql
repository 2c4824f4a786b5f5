-- Ids of alerts of checks that are open.
SELECT alert_id FROM alerts FINAL WHERE entity_type = 'check' AND state = 'open' ORDER BY alert_id
