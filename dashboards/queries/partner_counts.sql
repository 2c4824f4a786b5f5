-- What partners' legs have counted by tiers, in all lanes; rows that take a charge back count less.
SELECT party_id, run, side, tariff_id, price_no, currency,
    formatDateTime(toTimeZone(start_time, {zone:String}), '%Y-%m') AS period, catalog_hash,
    toString(sum(toInt256(cumulative_after - cumulative_before) * if(op = 'reversal', -1, 1))) AS units
FROM rated_events
WHERE party_id != '' AND side != 'canary' AND op IN ('charge', 'reversal', 'correction') AND cumulative_before = 0
    AND ({partner:String} = '' OR party_id = {partner:String})
    AND ({period:String} = '' OR period = {period:String})
GROUP BY party_id, run, side, tariff_id, price_no, currency, period, catalog_hash
ORDER BY party_id, period, run, side, tariff_id, price_no, currency, catalog_hash
