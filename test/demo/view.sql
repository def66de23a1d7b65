-- An ordinary materialized view, with what people hang on to one: an index, a view on top, a comment.
CREATE MATERIALIZED VIEW flights_by_origin_hour AS
    SELECT origin,
           date_trunc('hour', departed_at) AS hour,
           count(*) AS flights,
           sum(delay_minutes) AS total_delay,
           avg(delay_minutes) AS avg_delay,
           avg(distance_miles) AS avg_distance
      FROM flights
     GROUP BY 1, 2;

CREATE UNIQUE INDEX flights_by_origin_hour_key ON flights_by_origin_hour (origin, hour);
COMMENT ON MATERIALIZED VIEW flights_by_origin_hour IS 'departures and delays, airport by airport and hour by hour';

CREATE VIEW departures AS
    SELECT a.city, f.hour, f.flights, round(f.avg_delay, 1) AS avg_delay
      FROM flights_by_origin_hour f JOIN airports a ON a.iata = f.origin;
