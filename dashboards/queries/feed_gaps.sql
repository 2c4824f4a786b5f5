-- What is missing of feeds since an instant: numbers of files and of records, files of a time, records of a trailer.
SELECT feed_id, pattern, entity_id, expected, observed, unit, window_start, window_end, opened_at,
    money_at_risk, money_method, currency, features, explanation
FROM alerts FINAL
WHERE state = 'open' AND control_id IN ('C1', 'C2', 'C3')
    AND pattern IN {patterns:Array(String)}
    AND ({feed:String} = '' OR feed_id = {feed:String})
    AND toUnixTimestamp64Micro(opened_at) >= {since:Int64}
ORDER BY feed_id, pattern, entity_id, window_end, explanation
