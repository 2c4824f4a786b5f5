-- Controls that ran in a time, what they looked at and found, and how often they failed.
SELECT control, toInt64(countIf(r.result = 'done')) AS runs,
    toInt64(countIf(r.result = 'failed')) AS failed, sum(r.inputs) AS looked_at,
    sum(r.alerts) AS found, arrayStringConcat(arraySort(groupUniqArray(toString(r.version))), ' ')
        AS versions
FROM control_runs AS r
WHERE r.began_at >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.began_at < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
    AND r.result IN ('done', 'failed')
GROUP BY control
ORDER BY control
