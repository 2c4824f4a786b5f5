-- Findings by control, direction and currency: how many stand where, what they put at risk, and
-- how long detection took; expected loss is in hundredths (money by percent of confidence).
SELECT control_id, pattern, direction, currency, count() AS findings,
    countIf(standing IN ('open', 'acknowledged') AND suppressed = 0) AS open_now,
    countIf(suppressed = 1) AS suppressed_now,
    countIf(standing = 'auto_closed') AS closed_by_itself,
    countIf(standing = 'confirmed') AS confirmed,
    countIf(standing = 'false_positive') AS false_positive,
    sumIf(ifNull(money_at_risk, 0), standing IN ('open', 'acknowledged') AND suppressed = 0)
        AS at_risk,
    sumIf(ifNull(toDecimal256(money_at_risk, 9) * confidence, 0),
        standing IN ('open', 'acknowledged') AND suppressed = 0) AS loss_hundredths
FROM
(
    SELECT control_id, pattern, direction, currency, money_at_risk, confidence,
        multiIf(
            v.verdict IN ('confirmed', 'false_positive'), v.verdict,
            a.state = 'open' AND v.verdict = 'acknowledged', 'acknowledged',
            a.state
        ) AS standing,
        arrayExists(
            (c, e) -> c IN ('', control_id) AND e IN ('', entity_id),
            {controls:Array(String)}, {entities:Array(String)}
        ) AS suppressed
    FROM
    (
        SELECT alert_id, control_id, pattern, state, entity_id, direction, currency, money_at_risk,
            confidence
        FROM alerts FINAL WHERE toUnixTimestamp64Micro(opened_at) >= {since:Int64}
    ) AS a
    LEFT JOIN
    (
        SELECT alert_id, argMax(verdict, at) AS verdict FROM alert_feedback GROUP BY alert_id
    ) AS v ON v.alert_id = a.alert_id
)
GROUP BY control_id, pattern, direction, currency
ORDER BY direction DESC, currency, loss_hundredths DESC, control_id, pattern
