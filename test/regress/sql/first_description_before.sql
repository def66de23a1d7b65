--
-- The script of the project's first description, to the letter, run with the extension created before it.
--
SET client_min_messages = warning; SET lc_messages = 'C';
SELECT current_database() AS home \gset
DROP DATABASE IF EXISTS imat_first_before;
CREATE DATABASE imat_first_before TEMPLATE template0;
\c imat_first_before
SET lc_messages = 'C';
CREATE EXTENSION pg_imat;
-- Rows of SELECT * come in any order, and created_at is another one each time: shown below, in order
CREATE SCHEMA IF NOT EXISTS imat;

-- 1️⃣ Create schemas
CREATE SCHEMA IF NOT EXISTS imat;
CREATE SCHEMA IF NOT EXISTS public;

-- 2️⃣ Create configuration table
CREATE TABLE IF NOT EXISTS imat.imat_config (
    mv_name TEXT PRIMARY KEY,
    mv_schema_name TEXT,
    agg_schema_name TEXT,
    created_at TIMESTAMPTZ DEFAULT now()
);

-- 3️⃣ Create a base table
CREATE TABLE public.trips_ts_v1 (
    id SERIAL PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    distance FLOAT NOT NULL,
    total_amount FLOAT NOT NULL,
    cab_type_id INT NOT NULL
);

-- 4️⃣ Insert some test data
INSERT INTO public.trips_ts_v1 (started_at, ended_at, distance, total_amount, cab_type_id)
VALUES
('2025-11-13 08:00', '2025-11-13 08:15', 2.3, 10.5, 1),
('2025-11-13 08:10', '2025-11-13 08:25', 1.8, 9.0, 1),
('2025-11-13 09:00', '2025-11-13 09:10', 3.1, 12.0, 2);

-- 5️⃣ Create the aggregate table (simulating a materialized view)
CREATE MATERIALIZED VIEW imat.trips_ts_v1_hourly_agg AS
SELECT
    cab_type_id,
    DATE_TRUNC('hour', started_at) AS hour_start,
    COUNT(*) AS total_trips,
    SUM(distance) AS total_distance,
    AVG(distance) AS avg_distance,
    SUM(total_amount) AS total_revenue,
    AVG(total_amount) AS avg_revenue
FROM public.trips_ts_v1
GROUP BY cab_type_id, DATE_TRUNC('hour', started_at);

-- 6️⃣ Create the IMAT function

SELECT create_imat('trips_ts_v1_hourly_agg', 'public');


-- 7️⃣ Check configuration
\o /dev/null
SELECT * FROM imat.imat_config;
\o

-- 8️⃣ Verify aggregate output
\o /dev/null
SELECT * FROM imat.trips_ts_v1_hourly_agg;
\o

SELECT mv_name, mv_schema_name, agg_schema_name, created_at > now() - interval '1 hour' AS just_created FROM imat.imat_config;
SELECT * FROM imat.trips_ts_v1_hourly_agg ORDER BY 1, 2;
SELECT * FROM public.trips_ts_v1_hourly_agg ORDER BY 1, 2;
-- Both names answer with current data
INSERT INTO public.trips_ts_v1 (started_at, ended_at, distance, total_amount, cab_type_id)
VALUES ('2025-11-13 08:20', '2025-11-13 08:45', 0.1, 1.5, 1), ('2025-11-13 10:00', '2025-11-13 10:45', 7, 20, 3);
SELECT * FROM imat.trips_ts_v1_hourly_agg ORDER BY 1, 2;
UPDATE trips_ts_v1 SET cab_type_id = 2 WHERE distance = 1.8;
DELETE FROM trips_ts_v1 WHERE cab_type_id = 3;
SELECT * FROM public.trips_ts_v1_hourly_agg ORDER BY 1, 2;
SELECT * FROM public.trips_ts_v1_hourly_agg
EXCEPT ALL SELECT * FROM imat.trips_ts_v1_hourly_agg;
SELECT imat.verify('trips_ts_v1_hourly_agg');
SELECT strategy, state FROM imat.status;
SELECT relkind FROM pg_class WHERE oid = 'public.trips_ts_v1_hourly_agg'::regclass;
SELECT relkind FROM pg_class WHERE oid = 'imat.trips_ts_v1_hourly_agg'::regclass;
-- Once more: an IMAT already
\set VERBOSITY terse
SELECT create_imat('trips_ts_v1_hourly_agg', 'public');
\set VERBOSITY default
SELECT imat.verify('trips_ts_v1_hourly_agg');
-- What was promised to be there can be dropped, and leaves nothing
DROP TABLE public.trips_ts_v1 CASCADE;
SELECT count(*) FROM imat.imat_config;
SELECT relname FROM pg_class WHERE relname LIKE 'trips%';
DROP EXTENSION pg_imat;
SELECT nspname FROM pg_namespace WHERE nspname = 'imat';
\c :home
DROP DATABASE imat_first_before;
