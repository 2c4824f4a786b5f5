-- Open suspense, record by record, newest place first; filtered by reason when one is given.
SELECT suspense_id, feed_id, file_name, record_no, byte_offset, stage, reason, detail, missing_ref,
    service, quantity, estimated_amount, estimated_currency, last_attempt, first_seen
FROM v_suspense_open
WHERE ({reason:String} = '' OR reason = {reason:String})
    AND ({feed:String} = '' OR feed_id = {feed:String})
ORDER BY feed_id, file_name, record_no, suspense_id
LIMIT {limit:UInt32}
