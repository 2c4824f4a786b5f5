-- Quantity that was rated of a service, by local day, customer and what was used.
SELECT toDate(r.start_time, {zone:String}) AS day, r.served_identifier AS served,
    r.usage_type AS sku, toString(sum(toInt256(abs(r.quantity)) * if(r.op = 'reversal', -1, 1))) AS units
FROM rated_events AS r
WHERE r.run = 'retail' AND r.op != 'true_up' AND r.service = {service:String}
    AND r.start_time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')
    AND r.start_time < fromUnixTimestamp64Micro({last:Int64}, 'UTC')
GROUP BY day, served, sku
ORDER BY day, served, sku
