-- Open suspense that a catalogue may cure and whose last attempt was under another one than that in use.
SELECT suspense_id, reason, stage, feed_id, missing_ref, event_time, tried_under
FROM
(
    SELECT s.suspense_id AS suspense_id, argMax(s.reason, s.attempt) AS reason,
        argMax(s.stage, s.attempt) AS stage, argMax(s.feed_id, s.attempt) AS feed_id,
        argMax(s.missing_ref, s.attempt) AS missing_ref,
        toUnixTimestamp64Micro(max(s.event_time)) AS event_time,
        argMax(l.catalog_hash, s.attempt) AS tried_under
    FROM
    (
        SELECT * EXCEPT (raw, file_head, usage)
        FROM suspense_events
        WHERE change > 0 AND suspense_id > {after:String}
    ) AS s
    LEFT JOIN
    (
        SELECT token, any(catalog_hash) AS catalog_hash
        FROM lane_ledger
        WHERE token IN (SELECT batch_token FROM suspense_events)
        GROUP BY token
    ) AS l ON l.token = s.batch_token
    WHERE s.suspense_id IN (
        SELECT suspense_id FROM suspense_events WHERE suspense_id > {after:String}
        GROUP BY suspense_id HAVING sum(change) > 0)
    GROUP BY suspense_id
)
WHERE reason IN {reasons:Array(String)} AND tried_under NOT IN ('', {catalog:String})
ORDER BY suspense_id
LIMIT {limit:UInt32}
