-- What customers were charged for some events, as it stands, by currency.
SELECT currency, sum(amount) AS amount
FROM rated_events
WHERE event_id IN {ids:Array(UUID)} AND side = 'revenue'
GROUP BY currency
ORDER BY currency
