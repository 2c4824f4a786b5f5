-- What customers were charged of a feed, of one caller or all: usage since a time that came in a time.
SELECT currency, sum(amount) AS money
FROM rated_events
WHERE feed_id = {feed:String} AND run = 'retail' AND side = 'revenue'
    AND ({caller:String} = '' OR a_number = {caller:String})
    AND start_time >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND collected_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND collected_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
GROUP BY currency
