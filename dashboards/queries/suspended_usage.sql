-- Usage of a time that is in suspense now, as far as mediation had made it.
SELECT argMaxIf(concat(s.feed_id, '/', s.file_name, ', record ', toString(s.record_no + 1)),
        s.ledgered_at, s.change > 0) AS place,
    argMaxIf(s.feed_id, s.ledgered_at, s.change > 0) AS feed,
    argMaxIf(s.usage, s.ledgered_at, s.change > 0) AS event,
    argMaxIf(s.estimated_amount, s.ledgered_at, s.change > 0) AS worth
FROM suspense_events AS s
WHERE s.event_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND s.event_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC') AND s.run = ''
    AND s.stage IN ('normalise', 'rate')
GROUP BY s.suspense_id, s.item_no
HAVING sum(s.change) > 0 AND event != ''
ORDER BY place
