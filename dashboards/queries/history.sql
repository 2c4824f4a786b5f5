-- Every row of the events of some accounts from an instant on, up to a position of their lane's ledger.
SELECT *
FROM rated_events
WHERE routing_id IN {routings:Array(String)}
    AND event_id IN (
        SELECT event_id FROM rated_events
        WHERE routing_id IN {routings:Array(String)}
            AND start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    )
    AND startsWith(batch_token, {lane:String})
    AND toInt64(splitByChar(':', toString(batch_token))[2]) <= {position:Int64}
ORDER BY event_id, version, op
