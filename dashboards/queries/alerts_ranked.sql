-- Findings in their newest state with verdict and suppression, ranked by expected loss (money at risk
-- by confidence) within each direction and currency; what is suppressed comes last, unranked.
SELECT alert_id, control_id, pattern, severity, feed_id, entity_type, entity_id, direction, currency,
    money_at_risk, confidence, opened_at, detected_at, explanation,
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
    SELECT alert_id, control_id, pattern, severity, state, feed_id, entity_type, entity_id, direction,
        currency, money_at_risk, confidence, opened_at, detected_at, explanation
    FROM alerts FINAL
    WHERE ({control:String} = '' OR control_id = {control:String})
        AND ({severity:String} = '' OR severity = {severity:String})
        AND ({feed:String} = '' OR feed_id = {feed:String})
        AND ({entity:String} = '' OR entity_id = {entity:String})
        AND toUnixTimestamp64Micro(opened_at) >= {since:Int64}
) AS a
LEFT JOIN
(
    SELECT alert_id, argMax(verdict, at) AS verdict FROM alert_feedback GROUP BY alert_id
) AS v ON v.alert_id = a.alert_id
WHERE ({state:String} = 'all' OR standing = {state:String}
        OR ({state:String} = '' AND standing IN ('open', 'acknowledged')))
    AND (suppressed = 0 OR {hidden:UInt8} = 1)
ORDER BY suppressed, direction DESC, currency, toDecimal256(money_at_risk, 9) * confidence DESC
    NULLS LAST, opened_at, alert_id
LIMIT {limit:UInt32} BY suppressed, direction, currency
