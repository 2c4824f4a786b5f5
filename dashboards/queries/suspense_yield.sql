-- What recycling brought, by reason of the first suspension: records held, tried, left suspense, still open.
SELECT reason, count() AS held, countIf(tries > 0) AS tried, countIf(tries > 0 AND open <= 0) AS freed,
    countIf(open > 0) AS open_now, sum(tries) AS attempts,
    sumIf(amount, tries > 0 AND open <= 0) AS freed_estimate, sumIf(amount, open > 0) AS open_estimate,
    any(currency) AS currency, minIf(first_seen, open > 0) AS oldest
FROM
(
    SELECT suspense_id, argMin(s.reason, (s.attempt, -s.change)) AS reason, sum(s.change) AS open,
        countIf(s.change < 0) AS tries, argMin(s.estimated_amount, (s.attempt, -s.change)) AS amount,
        argMin(s.estimated_currency, (s.attempt, -s.change)) AS currency,
        min(s.ledgered_at) AS first_seen
    FROM suspense_events AS s
    GROUP BY suspense_id
)
GROUP BY reason
ORDER BY held DESC, reason
