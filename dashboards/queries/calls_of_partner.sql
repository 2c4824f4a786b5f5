-- Calls of a partner's leg that stand, of a time: as they were charged last, with their whole amount.
SELECT argMaxIf(concat(r.feed_id, '/', r.file_name, ', record ', toString(r.record_no + 1)),
        r.ledgered_at, r.op != 'reversal') AS place,
    toUnixTimestamp64Micro(argMaxIf(r.start_time, r.ledgered_at, r.op != 'reversal')) AS at_us,
    argMaxIf(r.a_number, r.ledgered_at, r.op != 'reversal') AS caller,
    argMaxIf(r.b_number, r.ledgered_at, r.op != 'reversal') AS called,
    argMaxIf(r.quantity, r.ledgered_at, r.op != 'reversal') AS size, sum(r.amount) AS charged,
    argMaxIf(r.tariff_id, r.ledgered_at, r.op != 'reversal') AS tariff,
    argMaxIf(r.zone_id, r.ledgered_at, r.op != 'reversal') AS destination,
    argMaxIf(r.session_id, r.ledgered_at, r.op != 'reversal') AS session
FROM rated_events AS r
WHERE r.party_id = {partner:String} AND r.op != 'true_up' AND r.unit = 'microsecond'
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY r.event_id, r.run
HAVING sum(if(r.op = 'reversal', -1, 1)) > 0
ORDER BY at_us, place
