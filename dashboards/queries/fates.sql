-- Input records by fate, over all lanes and hours, and what conservation leaves over (must be 0).
SELECT sum(c.collected) AS collected, sum(c.rated) AS rated, sum(c.duplicate) AS duplicate,
    sum(c.suspended) AS suspended, sum(c.filtered) AS filtered, sum(c.merged) AS merged,
    sum(c.open) AS open, sum(abs(c.difference)) AS conservation_difference
FROM v_conservation AS c
