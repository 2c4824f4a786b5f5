-- What the controls of completeness found of each feed since an instant: by pattern, how many and how many are open.
SELECT feed_id, pattern, count() AS findings, countIf(state = 'open') AS open
FROM alerts FINAL
WHERE control_id IN ('C1', 'C2', 'C3', 'C6') AND toUnixTimestamp64Micro(opened_at) >= {since:Int64}
GROUP BY feed_id, pattern
ORDER BY feed_id, pattern
