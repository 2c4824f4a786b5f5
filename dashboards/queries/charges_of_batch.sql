-- The charges of one batch and catalogue, whole rows; with an id only those of that event.
SELECT *
FROM rated_events
WHERE batch_token = {token:String} AND catalog_hash = {catalog:String}
    AND ({id:String} = '' OR event_id = toUUIDOrZero({id:String}) OR rated_id = toUUIDOrZero({id:String}))
ORDER BY rated_id
