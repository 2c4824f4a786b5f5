-- Sessions of which numbers are missing, the dearest first.
SELECT feed_id, entity_id, expected AS records, money_at_risk, currency, explanation, detected_at
FROM alerts FINAL
WHERE pattern = 'session_records_missing' AND state = 'open'
    AND ({feed:String} = '' OR feed_id = {feed:String})
ORDER BY money_at_risk DESC, feed_id, entity_id
LIMIT {limit:UInt32}
