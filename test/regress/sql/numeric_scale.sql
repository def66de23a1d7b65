--
-- numeric results show the digits that the query would show, and so do interval results their fields.
--
CREATE SCHEMA nume; SET search_path = nume, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v numeric, iv interval);
SELECT imat.create('s', 'SELECT k, sum(v) AS s, avg(v) AS a, sum(iv) AS si, avg(iv) AS ai FROM src GROUP BY k');
SELECT oracle.strategy('s');
INSERT INTO src VALUES (1, 1, 1, '1 hour'), (2, 1, 2.50, '1 day');
SELECT * FROM s; SELECT oracle.same('s');
INSERT INTO src VALUES (3, 1, 0.00000, '-1 day');
SELECT * FROM s; SELECT oracle.same('s');
-- the widest scale leaves
DELETE FROM src WHERE id = 3;
SELECT * FROM s; SELECT oracle.same('s');
UPDATE src SET v = 2 WHERE id = 2;
SELECT * FROM s; SELECT oracle.same('s');
UPDATE src SET v = NULL;
SELECT * FROM s; SELECT oracle.same('s');
-- not all fields of an interval are alike: 24 hours aren't a day, 30 days aren't a month
INSERT INTO src VALUES (4, 1, 1e-20, '24 hours'), (5, 1, 1e20, '30 days'), (6, 1, -1e20, '-1 month'), (7, 1, 3, '23:59:59.999999');
SELECT * FROM s; SELECT oracle.same('s');
DELETE FROM src WHERE id IN (5, 6);
SELECT * FROM s; SELECT oracle.same('s');
-- NaN leaves, too
INSERT INTO src VALUES (8, 1, 'NaN', NULL), (9, 2, 'NaN', NULL), (10, 2, 1.0, NULL);
SELECT * FROM s ORDER BY k; SELECT oracle.same('s');
DELETE FROM src WHERE v = 'NaN';
SELECT * FROM s ORDER BY k; SELECT oracle.same('s');
-- and the infinities, which numeric has since PostgreSQL 14; before that, NaN once more
SELECT CASE WHEN current_setting('server_version_num')::int >= 140000 THEN 'Infinity' ELSE 'NaN' END AS inf,
       CASE WHEN current_setting('server_version_num')::int >= 140000 THEN '-Infinity' ELSE 'NaN' END AS minus_inf \gset
INSERT INTO src VALUES (11, 2, :'inf', NULL);
SELECT oracle.same('s');
INSERT INTO src VALUES (12, 2, :'minus_inf', NULL);
SELECT oracle.same('s');
DELETE FROM src WHERE id = 11;
SELECT oracle.same('s');
DELETE FROM src WHERE id = 12;
SELECT oracle.same('s');
-- very wide and very long ones
INSERT INTO src VALUES (13, 3, (repeat('9', 300) || '.' || repeat('9', 300))::numeric, '178000000 years'), (14, 3, (repeat('0', 1) || '.' || repeat('0', 500) || '1')::numeric, '-178000000 years');
SELECT oracle.same('s');
DELETE FROM src WHERE id = 14;
SELECT oracle.same('s');
UPDATE src SET v = -v WHERE id = 13;
SELECT oracle.same('s');
-- churn: random scales come and go
INSERT INTO src SELECT 100 + i, i % 4, round((i * 7919 % 1000)::numeric / 7, i % 13), (i % 17) * interval '1 day 2 hours -3 minutes' FROM generate_series(1, 500) i;
DO $$
DECLARE bad int := 0;
BEGIN
    FOR i IN 0..20 LOOP
        DELETE FROM nume.src WHERE id > 100 AND id % 21 = i;
        UPDATE nume.src SET v = round(v, (id + i) % 11) WHERE id % 5 = i % 5;
        IF oracle.same('nume.s') NOT LIKE 'same%' THEN bad := bad + 1; END IF;
    END LOOP;
    RAISE NOTICE 'bad: %', bad;
END $$;
SELECT oracle.same('s');
-- fixed scales, and expressions that look at the digits
CREATE TABLE fixed (id int PRIMARY KEY, k int NOT NULL, v numeric(10,3));
SELECT imat.create('f', 'SELECT k, sum(v) AS s, avg(v) AS a, sum(v)::text AS t, scale(sum(v)) AS sc, sum(v * 1.00) AS w FROM fixed GROUP BY k');
INSERT INTO fixed VALUES (1, 1, 1), (2, 1, 2.5), (3, 1, NULL);
SELECT * FROM f; SELECT oracle.same('f');
DELETE FROM fixed WHERE id < 3;
SELECT * FROM f; SELECT oracle.same('f');
SET client_min_messages = warning;
DROP SCHEMA nume CASCADE;
