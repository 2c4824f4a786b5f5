-- Accounts, by routing id, with charges that a correction selects; how many, and from when on.
SELECT routing_id, min(toUnixTimestamp64Micro(start_time)) AS first_us, count() AS charges
FROM rated_events
WHERE op IN ('charge', 'correction')
    AND ({account:String} = '' OR account_id = {account:String})
    AND ({event:String} = '' OR event_id = toUUIDOrZero({event:String}) OR rated_id = toUUIDOrZero({event:String}))
    AND ({tariff:String} = '' OR tariff_id = {tariff:String})
    AND ({zone:String} = '' OR zone_id = {zone:String})
    AND ({revision:Int64} < 0 OR tariff_revision = {revision:Int64})
    AND start_time >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND start_time < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
GROUP BY routing_id
ORDER BY routing_id
