-- Offset from UTC of the calls of one feed between two instants.
SELECT event_id, start_time, utc_offset_minutes
FROM rated_events
WHERE feed_id = {feed:String} AND op = 'charge'
    AND start_time >= fromUnixTimestamp64Micro({first:Int64})
    AND start_time < fromUnixTimestamp64Micro({last:Int64})
ORDER BY start_time
