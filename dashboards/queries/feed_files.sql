-- The newest files of one feed, in their latest state, the newest first.
SELECT file_name, status, sequence, records, suspended, duplicates, declared_records, counted_records,
    first_event_time, last_event_time, collected_at
FROM v_feed_files
WHERE feed_id = {feed:String} AND toUnixTimestamp64Micro(collected_at) >= {since:Int64}
ORDER BY collected_at DESC, file_name DESC
LIMIT {limit:UInt32}
