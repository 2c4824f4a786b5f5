-- Corrections by reason and request: how many charges, and what they changed.
SELECT reason, cause_id, min(ledgered_at) AS made_at, currency, uniqExact(event_id) AS events,
    sum(r.amount) AS difference
FROM rated_events AS r
WHERE op IN ('reversal', 'correction') AND side NOT IN ('cost', 'canary')
GROUP BY reason, cause_id, currency
ORDER BY made_at, cause_id, currency
