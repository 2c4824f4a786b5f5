-- One charge that passed an allowance or met several bands: a good one to explain.
SELECT toString(event_id) AS event_id
FROM rated_events
WHERE service = 'voice' AND amount > 0
ORDER BY included_quantity > 0 DESC, connect_fee > 0 DESC, start_time
LIMIT 1
