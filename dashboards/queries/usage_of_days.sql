-- Rated usage by subscription, identifier and local day, and the days a grace before and after it.
SELECT r.subscription_id AS subscription_id, r.account_id AS account_id, r.served_identifier AS served,
    toDate(r.start_time, {zone:String}) AS day,
    toDate(r.start_time - toIntervalSecond({grace_s:Int64}), {zone:String}) AS day_before,
    toDate(r.start_time + toIntervalSecond({grace_s:Int64}), {zone:String}) AS day_after,
    toInt64(sum(if(r.op = 'reversal', -1, 1))) AS events, sum(r.amount) AS charged,
    any(r.currency) AS money
FROM rated_events AS r
WHERE r.run = 'retail' AND r.op != 'true_up' AND r.served_identifier != ''
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY subscription_id, account_id, served, day, day_before, day_after
HAVING events > 0
ORDER BY subscription_id, served, day, day_before, day_after
