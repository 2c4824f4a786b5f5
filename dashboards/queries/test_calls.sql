-- Calls between some numbers that were charged in a time, each with what is left of its charge.
SELECT a_number, b_number, toUnixTimestamp64Micro(any(r.start_time)) AS start_us,
    any(abs(r.duration_us)) AS lasted_us, sum(r.amount) AS charged,
    argMax(toString(r.currency), r.ledgered_at) AS charged_in,
    toUnixTimestamp64Micro(min(r.ledgered_at)) AS came_us,
    any(concat(r.feed_id, '/', r.file_name, ', record ', toString(r.record_no + 1))) AS place
FROM rated_events AS r
WHERE r.service = 'voice' AND r.run = 'retail' AND r.op != 'true_up'
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time <= fromUnixTimestamp64Micro({last:Int64}, 'UTC')
    AND (r.a_number, r.b_number) IN (
        SELECT arrayJoin(arrayZip({callers:Array(String)}, {called:Array(String)}))
    )
GROUP BY a_number, b_number, event_id, restatement_no, attempt
HAVING sum(if(r.op = 'reversal', -1, 1)) > 0
ORDER BY a_number, b_number, start_us, place
