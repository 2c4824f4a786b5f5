-- Revenue by service and currency.
SELECT service, currency, sum(r.events) AS events, sum(r.amount) AS amount
FROM v_revenue AS r
GROUP BY service, currency
HAVING events != 0 OR amount != 0
ORDER BY service, currency
