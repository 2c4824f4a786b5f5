-- What the store has of one batch and feed: every event and leg, how often, and where it came from.
SELECT toString(r.event_id) AS event, r.run AS run, count() AS times, any(r.quantity) AS used,
    any(r.file_name) AS file, any(r.record_no) AS record
FROM rated_events AS r
WHERE r.batch_token = {token:String} AND r.feed_id = {feed:String} AND toDate(r.ledgered_at) = {day:Date}
GROUP BY r.event_id, r.restatement_no, r.attempt, r.run, r.op
UNION ALL
SELECT toString(s.event_id), '' AS run, count(), any(s.quantity), any(s.file_name), any(s.record_no)
FROM suspense_events AS s
WHERE s.batch_token = {token:String} AND s.feed_id = {feed:String} AND toDate(s.ledgered_at) = {day:Date}
GROUP BY s.event_id, s.restatement_no, s.attempt
