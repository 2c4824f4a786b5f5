-- Batches that hold usage which began in a period, in the order in which it was rated.
SELECT batch_token, toUnixTimestamp64Micro(ledgered_at) AS at, count() AS charges
FROM rated_events
WHERE start_time >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND start_time < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
GROUP BY batch_token, at
ORDER BY at, batch_token
