-- Records in the ranges (of offsets, of bytes) that collection lanes cut in an hour, against those
-- that were counted as collected; requests to recycle and ranges given up hold no new records.
SELECT '' AS tenant_id, feed_id, '' AS service, '' AS currency, lane,
    toInt64(toUnixTimestamp(hour)) * 1000000 AS hour_us, cut AS told, counted AS found,
    NULL AS amount, [lane] AS lanes
FROM (
    SELECT lane, hour, max(p.feed) AS feed_id, sum(p.cut) AS cut, sum(p.counted) AS counted
    FROM (
        SELECT l.lane AS lane, toStartOfHour(l.ledgered_at) AS hour, '' AS feed,
            l.records AS cut, toInt64(0) AS counted
        FROM (
            SELECT DISTINCT d.lane, d.position, d.ledgered_at, d.records
            FROM lane_ledger AS d
            WHERE toDate(d.ledgered_at) IN {days:Array(Date)}
                AND toUnixTimestamp(toStartOfHour(d.ledgered_at)) IN {hours:Array(Int64)}
                AND NOT match(d.lane, '^(usage|outcomes)-[0-9]{4,}$')
                AND JSONExtractString(d.detail, 'status') NOT IN ('recycle', 'lost')
        ) AS l
        UNION ALL
        SELECT c.lane, toStartOfHour(c.collected_at) AS hour, c.feed_id, toInt64(0), c.records
        FROM lane_counts AS c
        WHERE c.term = 'collected' AND toDate(c.ledgered_at) >= {first_day:Date}
            AND toUnixTimestamp(toStartOfHour(c.collected_at)) IN {hours:Array(Int64)}
    ) AS p
    INNER JOIN (
        SELECT b.lane AS lane, toStartOfHour(min(b.ledgered_at)) AS first
        FROM lane_ledger AS b GROUP BY b.lane
    ) AS begun USING lane
    WHERE hour > begun.first
    GROUP BY lane, hour
    HAVING cut != counted
)
ORDER BY lane, hour_us
