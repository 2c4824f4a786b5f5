-- Units of partners' counters that are trued up, by the event of the counter and month.
SELECT event_id, toString(sum(toInt256(cumulative_after - cumulative_before))) AS units
FROM rated_events
WHERE party_id != '' AND op = 'true_up'
    AND ({partner:String} = '' OR party_id = {partner:String})
GROUP BY event_id
ORDER BY event_id
