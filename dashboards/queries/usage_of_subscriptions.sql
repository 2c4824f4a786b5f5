-- Events of some subscriptions that stand, of a time: what another offer would charge can be asked.
SELECT r.subscription_id AS subscription_id,
    argMaxIf(r.service, r.ledgered_at, r.op != 'reversal') AS service,
    argMaxIf(r.direction, r.ledgered_at, r.op != 'reversal') AS direction,
    argMaxIf(r.usage_type, r.ledgered_at, r.op != 'reversal') AS usage_type,
    argMaxIf(r.b_number, r.ledgered_at, r.op != 'reversal') AS number,
    toUnixTimestamp64Micro(argMaxIf(r.start_time, r.ledgered_at, r.op != 'reversal')) AS at_us,
    argMaxIf(r.quantity, r.ledgered_at, r.op != 'reversal') AS quantity, sum(r.amount) AS charged,
    any(r.currency) AS money
FROM rated_events AS r
WHERE r.run = 'retail' AND r.op != 'true_up' AND r.subscription_id IN {ids:Array(String)}
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY subscription_id, r.event_id
HAVING sum(if(r.op = 'reversal', -1, 1)) > 0
ORDER BY subscription_id, at_us, r.event_id
