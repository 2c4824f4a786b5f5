-- Usage of a feed that stands, of a time: whose it is by IMSI where the feed knows it.
SELECT argMaxIf(concat(r.feed_id, '/', r.file_name, ', record ', toString(r.record_no + 1)),
        r.ledgered_at, r.op != 'reversal') AS place,
    toUnixTimestamp64Micro(argMaxIf(r.start_time, r.ledgered_at, r.op != 'reversal')) AS at_us,
    argMaxIf(if(r.imsi = '', r.a_number, r.imsi), r.ledgered_at, r.op != 'reversal') AS caller,
    argMaxIf(r.b_number, r.ledgered_at, r.op != 'reversal') AS called,
    argMaxIf(r.quantity, r.ledgered_at, r.op != 'reversal') AS size, sum(r.amount) AS charged,
    argMaxIf(r.tariff_id, r.ledgered_at, r.op != 'reversal') AS tariff,
    argMaxIf(r.zone_id, r.ledgered_at, r.op != 'reversal') AS destination,
    argMaxIf(r.session_id, r.ledgered_at, r.op != 'reversal') AS session
FROM rated_events AS r
WHERE r.feed_id = {feed:String} AND r.run = 'retail' AND r.op != 'true_up'
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY r.event_id
HAVING sum(if(r.op = 'reversal', -1, 1)) > 0
ORDER BY at_us, place
