-- What is open now: suspense, sessions that wait, findings, each by currency, with its worth.
SELECT 'suspense' AS what, s.estimated_currency AS currency, toInt64(sum(s.records)) AS number,
    sum(ifNull(s.estimated_amount, 0)) AS worth
FROM v_suspense_open AS s GROUP BY currency
UNION ALL
SELECT 'sessions' AS what, s.estimated_currency AS currency, toInt64(count()) AS number,
    sum(ifNull(s.estimated_amount, 0)) AS worth
FROM v_open_sessions AS s GROUP BY currency
UNION ALL
SELECT concat('findings, ', a.direction) AS what, a.currency AS currency, toInt64(count()) AS number,
    sum(ifNull(a.money_at_risk, 0)) AS worth
FROM alerts AS a FINAL WHERE a.state = 'open' GROUP BY what, currency
ORDER BY what, currency
