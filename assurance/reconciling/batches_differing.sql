-- Batches of an hour whose charges in the store are not those that were sent, for one feed.
SELECT batch_token, sum(p.records) AS lacking
FROM (
    SELECT s.batch_token AS batch_token, s.service AS service, s.currency AS currency,
        sum(s.records) AS records, sum(s.quantity) AS quantity, sum(s.amount) AS amount,
        groupBitXor(s.ids) AS id_bits
    FROM stage_sums AS s
    WHERE s.stage = 'rated' AND s.feed_id = {feed:String} AND toDate(s.ledgered_at) = {day:Date}
        AND toUnixTimestamp(toStartOfHour(s.ledgered_at)) = {hour:Int64}
    GROUP BY batch_token, service, currency
    UNION ALL
    SELECT r.batch_token, r.service, r.currency, -toInt64(count()), -sum(r.rated_quantity),
        -sum(r.amount), groupBitXor(reinterpretAsUInt64(r.rated_id))
    FROM rated_events AS r
    WHERE r.feed_id = {feed:String} AND toDate(r.ledgered_at) = {day:Date}
        AND toUnixTimestamp(toStartOfHour(r.ledgered_at)) = {hour:Int64}
    GROUP BY r.batch_token, r.service, r.currency
) AS p
GROUP BY batch_token, p.service, p.currency
HAVING lacking != 0 OR sum(p.quantity) != 0 OR sum(p.amount) != 0 OR groupBitXor(p.id_bits) != 0
ORDER BY batch_token
