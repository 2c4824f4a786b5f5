-- Records that were collected in a time, by feed and fate: their difference must be nothing.
SELECT feed_id, sum(v.collected) AS collected_records, sum(v.rated) AS rated_records,
    sum(v.duplicate) AS duplicate_records, sum(v.suspended) AS suspended_records,
    sum(v.filtered) AS filtered_records, sum(v.merged) AS merged_records,
    sum(v.open) AS open_records, sum(v.difference) AS lacking
FROM v_conservation AS v
WHERE v.hour >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND v.hour < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY feed_id
ORDER BY feed_id
