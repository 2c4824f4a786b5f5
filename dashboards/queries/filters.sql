-- Records set aside by the filters of feeds, by filter.
SELECT detail AS filter, feed_id, sum(s.records) AS records
FROM set_aside_events AS s
WHERE s.reason = 'filtered_by_rule'
GROUP BY filter, feed_id
ORDER BY filter, feed_id
