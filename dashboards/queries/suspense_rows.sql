-- Every row of suspended records, oldest first: to show them and to recycle them.
SELECT * EXCEPT (raw, file_head), base64Encode(raw) AS raw, base64Encode(file_head) AS file_head
FROM suspense_events
WHERE suspense_id IN {ids:Array(String)}
ORDER BY suspense_id, attempt, change DESC, ledgered_at
