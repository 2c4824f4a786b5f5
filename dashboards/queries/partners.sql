-- What legs of partners come to, by partner, run and currency.
SELECT party_id, run, currency, sum(m.revenue) AS revenue, sum(m.cost) AS cost
FROM v_margin AS m
WHERE party_id != ''
GROUP BY party_id, run, currency
ORDER BY party_id, run, currency
