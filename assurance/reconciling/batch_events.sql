-- What the store has of one batch and feed: every event, how often a leg of it, where it came from.
SELECT event_id, max(p.times) AS times, any(p.used) AS used, any(p.file) AS file,
    any(p.record) AS record
FROM (
    SELECT r.event_id AS event_id, if(count() > uniqExact(r.rated_id), 2, 1) AS times,
        any(r.quantity) AS used, any(toString(r.file_name)) AS file, any(r.record_no) AS record
    FROM rated_events AS r
    WHERE r.batch_token = {token:String} AND r.feed_id = {feed:String}
        AND toDate(r.ledgered_at) = {day:Date}
    GROUP BY r.event_id
    UNION ALL
    SELECT s.event_id, if(count() > uniqExact(s.suspense_id), 2, 1), any(s.quantity),
        any(toString(s.file_name)), any(s.record_no)
    FROM suspense_events AS s
    WHERE s.batch_token = {token:String} AND s.feed_id = {feed:String}
        AND toDate(s.ledgered_at) = {day:Date}
    GROUP BY s.event_id
) AS p
GROUP BY event_id
