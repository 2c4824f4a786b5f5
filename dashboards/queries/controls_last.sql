-- The newest run of every control, and what all its runs of a time looked at and found.
SELECT control, toUnixTimestamp64Micro(max(r.ended_at)) AS newest, count() AS runs,
    countIf(r.result = 'failed') AS failed, sum(r.inputs) AS looked_at, sum(r.alerts) AS found
FROM control_runs AS r
WHERE r.began_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') AND r.result IN ('done', 'failed')
GROUP BY control
ORDER BY control
