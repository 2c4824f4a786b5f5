-- How many charges a revision of a tariff has made in a zone.
SELECT count() AS charges
FROM rated_events AS r
WHERE r.tariff_id = {tariff:String} AND r.tariff_revision = {revision:Int32}
    AND r.zone_id = {zone:String} AND r.op = 'charge'
