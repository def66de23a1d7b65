-- The demo's tables: flights come and go, airports stay.
CREATE TABLE airports (
    iata text PRIMARY KEY, name text, city text, state text, country text,
    latitude double precision, longitude double precision
);
CREATE TABLE flights (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    departed_at timestamp NOT NULL,
    delay_minutes integer NOT NULL,
    distance_miles integer NOT NULL,
    origin text NOT NULL,
    destination text NOT NULL
);
