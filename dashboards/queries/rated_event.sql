-- All charges of one event, by event id or the id of a charge, oldest first.
SELECT *
FROM rated_events
WHERE event_id = {id:UUID} OR rated_id = {id:UUID}
ORDER BY ledgered_at, version
