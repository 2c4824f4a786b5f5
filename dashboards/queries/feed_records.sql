-- Records of each feed since an instant (its whole hour): how many came, were copies, or are held.
SELECT feed_id, sum(c.collected) AS collected, sum(c.suspended) AS suspended, sum(c.duplicate) AS duplicate
FROM v_conservation AS c
WHERE toInt64(toUnixTimestamp(hour)) * 1000000 > {since:Int64} - 3600000000
GROUP BY feed_id
ORDER BY feed_id
