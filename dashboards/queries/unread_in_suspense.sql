-- Records of a time that are in suspense before mediation had made usage of them: when, how long.
SELECT concat(any(s.feed_id), '/', any(s.file_name), ', record ', toString(any(s.record_no) + 1)) AS place,
    toUnixTimestamp64Micro(assumeNotNull(any(s.event_time))) AS at_us, toInt64(any(s.quantity)) AS size
FROM suspense_events AS s
WHERE s.stage NOT IN ('normalise', 'rate', 'correlate') AND s.run = '' AND s.quantity > 0
    AND s.service = {service:String}
    AND s.event_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND s.event_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY s.suspense_id, s.item_no
HAVING sum(s.change) > 0
ORDER BY at_us, place
