-- What usage of a time came to, by leg, service and currency: charges less what was taken back, what
-- of it is on no bill yet, and what rounding gave or took. Canaries are no revenue.
SELECT run, side, service, currency, toInt64(sum(r.fate_change)) AS events,
    sum(r.amount) AS amount, sumIf(r.amount, r.is_billed = 0) AS unbilled,
    sum(r.rounding_difference) AS rounding
FROM rated_events AS r
WHERE r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.side != 'canary'
    AND r.start_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY run, side, service, currency
ORDER BY side, run, service, currency
