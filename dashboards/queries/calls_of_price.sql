-- Calls that a tariff charged in a time, of numbers that begin with a prefix, with what was taken back.
SELECT r.b_number AS number, toUnixTimestamp64Micro(r.start_time) AS at_us,
    abs(r.quantity) AS duration_us, r.amount AS amount, if(r.op = 'reversal', -1, 1) AS sign,
    concat(r.feed_id, '/', r.file_name, ', record ', toString(r.record_no + 1)) AS place
FROM rated_events AS r
WHERE r.tariff_id = {tariff:String} AND startsWith(r.b_number, {prefix:String})
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time <= fromUnixTimestamp64Micro({last:Int64}, 'UTC')
    AND r.op != 'true_up' AND r.side != 'canary'
ORDER BY at_us, place, sign
