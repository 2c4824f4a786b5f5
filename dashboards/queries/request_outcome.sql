-- What became of a request, for each routing id, in its latest answer.
SELECT routing_id, argMax(status, r.ledgered_at) AS status, argMax(detail, r.ledgered_at) AS detail,
    argMax(rows, r.ledgered_at) AS rows
FROM lane_requests AS r
WHERE request_id = {id:UUID}
GROUP BY routing_id
ORDER BY routing_id
