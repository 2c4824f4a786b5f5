-- Sessions whose parts wait for the rest, the longest open first.
SELECT feed_id, session_id, since, last_heard, parts, quantity, settles_at, estimated_amount,
    estimated_currency
FROM v_open_sessions
WHERE ({feed:String} = '' OR feed_id = {feed:String})
ORDER BY since, feed_id, session_id
LIMIT {limit:UInt32}
