-- Alerts in their latest state, most serious first.
SELECT alert_id, control_id, pattern, severity, state, entity_id, observed, expected, unit,
    money_at_risk, currency, explanation, suggested_action
FROM alerts FINAL
ORDER BY severity, control_id, pattern, entity_id, alert_id
