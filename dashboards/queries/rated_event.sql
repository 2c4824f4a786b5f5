-- All charges and corrections of one event, as believed at an instant, by event id or the id of a charge.
SELECT *
FROM rated_events
WHERE (event_id = {id:UUID} OR event_id IN (SELECT event_id FROM rated_events WHERE rated_id = {id:UUID}))
    AND ledgered_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
ORDER BY ledgered_at, run, op != 'reversal', version
