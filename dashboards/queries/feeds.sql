-- Files of each feed since an instant: how many, what is in them, which came last and when.
SELECT feed_id, count() AS files, countIf(status = 'replayed') AS copies,
    argMax(f.file_name, (f.collected_at, f.file_name)) AS last_file, max(f.collected_at) AS last_file_at,
    max(f.last_event_time) AS last_event_at, toUnixTimestamp64Micro(max(f.collected_at)) AS last_file_us
FROM v_feed_files AS f
WHERE toUnixTimestamp64Micro(f.collected_at) >= {since:Int64}
GROUP BY feed_id
ORDER BY feed_id
