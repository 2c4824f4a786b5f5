-- Batches of charges ledgered since an instant, and those of one event, in the order they were made.
SELECT batch_token, catalog_hash, count() AS charges
FROM rated_events
WHERE ledgered_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND ({id:String} = '' OR event_id = toUUIDOrZero({id:String}) OR rated_id = toUUIDOrZero({id:String}))
GROUP BY batch_token, catalog_hash
ORDER BY min(ledgered_at), batch_token, catalog_hash
