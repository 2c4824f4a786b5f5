-- Revenue of each service and currency over the thirty days up to the newest usage.
SELECT service, currency, sum(r.amount) AS money
FROM revenue_1h AS r
WHERE r.hour >= (SELECT max(hour) FROM revenue_1h) - INTERVAL 30 DAY
GROUP BY service, currency
ORDER BY currency, service
