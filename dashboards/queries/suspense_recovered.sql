-- What recycled usage was charged, by currency: charges of later attempts, and what corrected them since.
SELECT currency, uniqExact(event_id) AS events, sum(amount) AS amount
FROM rated_events
WHERE attempt > 0 AND side = 'revenue'
GROUP BY currency
ORDER BY currency
