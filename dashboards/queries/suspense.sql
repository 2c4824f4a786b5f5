-- Open suspense by reason, with its estimated worth.
SELECT reason, estimated_currency AS currency, count() AS records,
    sum(s.estimated_amount) AS estimated_amount
FROM v_suspense_open AS s
GROUP BY reason, currency
ORDER BY reason, currency
