-- What a request changed in money, by currency; costs of partners apart.
SELECT currency, side = 'cost' AS is_cost, sum(r.amount) AS difference,
    count() AS written
FROM rated_events AS r
WHERE cause_id = {id:UUID} AND side != 'canary'
GROUP BY currency, is_cost
ORDER BY is_cost, currency
