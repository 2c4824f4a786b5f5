-- Hours of a feed whose records do not add up: collected is not the sum of all fates.
SELECT feed_id, toUnixTimestamp(hour) * 1000000 AS hour_us,
    sum(v.collected) AS collected_records,
    sum(v.rated) + sum(v.duplicate) + sum(v.suspended) + sum(v.filtered) + sum(v.merged)
        + sum(v.open) AS accounted,
    sum(v.difference) AS lacking
FROM v_conservation AS v
WHERE v.hour < toStartOfHour(fromUnixTimestamp64Micro({at:Int64}, 'UTC'))
GROUP BY feed_id, hour
HAVING lacking != 0
ORDER BY feed_id, hour
