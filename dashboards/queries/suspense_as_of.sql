-- Suspense by reason as held at an instant, with its estimated worth.
SELECT reason, currency, count() AS records, sum(worth) AS estimated_amount
FROM
(
    SELECT suspense_id, argMax(s.reason, s.attempt) AS reason,
        argMax(s.estimated_currency, s.attempt) AS currency,
        argMax(s.estimated_amount, s.attempt) AS worth
    FROM suspense_events AS s
    WHERE ledgered_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    GROUP BY suspense_id
    HAVING sum(s.change) > 0
)
GROUP BY reason, currency
ORDER BY reason, currency
