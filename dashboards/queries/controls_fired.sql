-- Patterns that have fired since an instant: on a fault that was planted to try them, or a real one.
SELECT DISTINCT pattern FROM (
    SELECT arrayJoin(splitByChar('+', toString(patterns))) AS pattern FROM control_runs
    WHERE result = 'fired' AND began_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    UNION ALL
    SELECT toString(a.pattern) AS pattern FROM alerts AS a
    WHERE a.ledgered_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
)
ORDER BY pattern
