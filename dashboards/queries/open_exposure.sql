-- What all sessions that wait for the rest are worth, by currency.
SELECT estimated_currency AS currency, count() AS sessions, sum(s.parts) AS parts,
    sum(s.estimated_amount) AS estimated_amount
FROM v_open_sessions AS s
WHERE ({feed:String} = '' OR feed_id = {feed:String})
GROUP BY currency
ORDER BY currency
