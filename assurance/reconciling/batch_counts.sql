-- Batches of an hour of which the store has more or fewer charges than were sent, for one feed.
SELECT batch_token, sum(p.records) AS lacking
FROM (
    SELECT s.batch_token AS batch_token, sum(s.records) AS records
    FROM stage_sums AS s
    WHERE s.stage = 'rated' AND s.feed_id = {feed:String} AND toDate(s.ledgered_at) = {day:Date}
        AND toUnixTimestamp(toStartOfHour(s.ledgered_at)) = {hour:Int64}
    GROUP BY batch_token
    UNION ALL
    SELECT r.batch_token, -toInt64(count())
    FROM rated_events AS r
    WHERE r.feed_id = {feed:String} AND toDate(r.ledgered_at) = {day:Date}
        AND toUnixTimestamp(toStartOfHour(r.ledgered_at)) = {hour:Int64}
    GROUP BY r.batch_token
) AS p
GROUP BY batch_token
HAVING lacking != 0
ORDER BY batch_token
