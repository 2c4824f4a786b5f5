-- Open findings about canaries, by canary and pattern.
SELECT entity_id AS canary_id, toString(a.pattern) AS pattern, count() AS findings,
    sum(a.observed) AS canaries
FROM alerts AS a FINAL
WHERE a.state = 'open' AND a.entity_type = 'canary'
GROUP BY canary_id, pattern
ORDER BY canary_id, pattern
