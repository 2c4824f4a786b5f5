-- Periods with the state that was set last, by routing id (empty: all accounts), and by whom it was asked.
SELECT period, routing_id, argMax(r.kind, (r.ledgered_at, r.lane)) AS kind, max(r.ledgered_at) AS since,
    uniqExact(lane) AS lanes, sum(r.rows) AS rows
FROM lane_requests AS r
WHERE r.kind IN ('soft_close', 'close', 'reopen')
GROUP BY period, routing_id
ORDER BY period, routing_id
