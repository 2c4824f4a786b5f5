-- Parts of sessions that wait, in the open or in suspense: how much of each session is not charged.
SELECT session, toInt64(sum(quantity)) AS size
FROM
(
    SELECT o.session_id AS session, sum(toInt64(o.change) * o.quantity) AS quantity
    FROM open_events AS o
    WHERE o.event_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
        AND o.event_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
    GROUP BY session
    HAVING sum(o.change) > 0
    UNION ALL
    SELECT JSONExtractString(s.usage, 'session_key') AS session, sum(toInt64(s.change) * s.quantity) AS quantity
    FROM suspense_events AS s
    WHERE s.stage = 'correlate'
        AND s.event_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
        AND s.event_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
    GROUP BY session
    HAVING sum(s.change) > 0
)
WHERE session != ''
GROUP BY session
ORDER BY session
