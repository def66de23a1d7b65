"""Fault loops: scenarios whose n-th call of PostgreSQL fails, is cancelled, or takes the backend with it.

A scenario is a list of SQL statements. They are run with a fault armed at n = 1, 2, ... until none fires. Where the
error reached the client, contents are what they were before, byte for byte; where the scenario caught it (an EXCEPTION
block, ROLLBACK TO), every table equals its query. In both cases the backend holds no lock and no snapshot, has warned
of nothing, and goes on working.
"""

import argparse
import random
import sys
import threading
import time

import psycopg2
import psycopg2.extensions

WAIT_LOCK = 815

SETUP = """
    CREATE TABLE orders (id int PRIMARY KEY, g int, h text, v int NOT NULL, w float8, x numeric);
    CREATE TABLE kinds (g int PRIMARY KEY, name text);
    CREATE TABLE parts (id int, g int) PARTITION BY LIST (g);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (0, 1);
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2, 3);
    INSERT INTO orders SELECT i, i % 4, chr(97 + i % 3), i, i / 3.0, i / 7.0 FROM generate_series(1, 40) i;
    INSERT INTO orders VALUES (41, NULL, NULL, 1, NULL, NULL);
    INSERT INTO kinds SELECT i, 'kind ' || i % 3 FROM generate_series(0, 4) i;
    INSERT INTO parts SELECT i, i % 4 FROM generate_series(1, 20) i;
"""

# Which of these a scenario has says its name.
VIEWS = {
    'plain': 'SELECT g, count(*) AS n, sum(v) AS v FROM orders GROUP BY g',
    'state': 'SELECT g, avg(w) AS w, sum(x) AS x, stddev(v) AS v FROM orders WHERE v > 2 GROUP BY g HAVING count(*) > 1',
    'keyed': "SELECT h, string_agg(v::text, ',' ORDER BY v) AS all, count(*) AS n FROM orders GROUP BY h",
    'joined': 'SELECT k.name, count(*) AS n, sum(o.v) AS v FROM orders o JOIN kinds k ON k.g = o.g GROUP BY k.name',
    'keyed_join': "SELECT k.name, string_agg(o.v::text, ',' ORDER BY o.v) AS all FROM orders o JOIN kinds k ON k.g = o.g "
                  "GROUP BY k.name",
    'swapped': 'SELECT id, rank() OVER (PARTITION BY g ORDER BY id) AS r FROM orders',
    'rolled': 'SELECT g, h, count(*) AS n, sum(v) AS v FROM orders GROUP BY ROLLUP (g, h)',
    'middles': 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS v FROM orders GROUP BY CUBE (g, h)',
    'parted': 'SELECT g, count(*) AS n, max(id) AS last FROM parts GROUP BY g',
    'extremes': 'SELECT g, min(v) AS lo, max(x) AS hi FROM orders GROUP BY g',
    'distincts': 'SELECT h, count(DISTINCT g) AS gs, sum(DISTINCT v) AS v FROM orders GROUP BY h',
    'different': 'SELECT DISTINCT g, h FROM orders',
    'pairs': 'SELECT o.id, o.v, k.name FROM orders o JOIN kinds k ON k.g = o.g',
    'joined_extremes': 'SELECT k.name, max(o.v) AS hi, count(DISTINCT o.h) AS hs FROM orders o JOIN kinds k ON k.g = o.g GROUP BY k.name',
    'optional': 'SELECT o.id, k.g, k.name FROM orders o LEFT JOIN kinds k ON k.g = o.g',
    'semi': 'SELECT g, name FROM kinds k WHERE EXISTS (SELECT FROM orders o WHERE o.g = k.g AND o.v > 3)',
    'over_groups': 'SELECT k.name, q.n, sum(q.v) AS v FROM kinds k JOIN (SELECT g, count(*) AS n, sum(v) AS v FROM orders GROUP BY g) q ON q.g = k.g GROUP BY k.name, q.n',
    'above': 'SELECT n % 2 AS odd, count(*) AS n, sum(v) AS v FROM plain GROUP BY n % 2',
}
ALL = list(VIEWS)

WRITES = [
    "INSERT INTO orders VALUES (100, 1, 'a', 7, 0.1, 1.50), (101, 9, 'z', 3, 1e300, 2)",
    'UPDATE orders SET v = v + 1, g = (g + 1) % 4 WHERE id BETWEEN 3 AND 8',
    "DELETE FROM orders WHERE id IN (10, 11) OR h IS NULL",
    "UPDATE kinds SET name = 'kind x' WHERE g = 2",
    'DELETE FROM parts_1 WHERE id < 5', 'INSERT INTO parts VALUES (30, 2), (31, 3)',
]

CAUGHT = """DO $$ BEGIN
    UPDATE orders SET v = v + 2 WHERE id = 5;
    FOR i IN 1..3 LOOP
        BEGIN
            UPDATE orders SET v = v + 1, w = w / 2, h = chr(97 + (ascii(h) - 96) % 3) WHERE id = 6 + i;
            BEGIN UPDATE orders SET g = (g + 1) % 3 WHERE id < 3; EXCEPTION WHEN division_by_zero THEN NULL; END;
            UPDATE kinds SET name = 'kind ' || (ascii(right(name, 1)) + i) % 4 WHERE g = i;
            PERFORM count(*) FROM orders;
        EXCEPTION WHEN OTHERS THEN UPDATE orders SET v = v - 1 WHERE id = 7;
        END;
    END LOOP;
END $$"""

CAUGHT_READING = """DO $$ BEGIN
    BEGIN
        UPDATE orders SET v = v + 1, h = chr(97 + (ascii(h) - 96) % 3) WHERE id < 9;
        PERFORM * FROM {0}; UPDATE orders SET g = (g + 1) % 3 WHERE id < 3; PERFORM * FROM {0};
    EXCEPTION WHEN OTHERS THEN UPDATE orders SET v = v - 1 WHERE id = 7;
    END;
    PERFORM * FROM {0};
END $$"""


class Scenario:
    def __init__(self, name, imats, steps, caught=False, setup=(), cleanup=(), cold=False):
        self.name = name
        self.imats = imats          # names in VIEWS
        self.steps = steps
        self.caught = caught        # the scenario itself may catch the error, and commit
        self.setup = list(setup)    # after the IMATs are there
        self.cleanup = list(cleanup)  # after each fault
        self.cold = cold            # a new backend for each fault: nothing is cached


def in_transaction(*steps):
    return ['BEGIN', *steps, 'COMMIT']


def scenarios():
    """All of them, by name."""
    made = []
    for name in VIEWS:
        base = ['plain'] if name == 'above' else []
        made.append(Scenario('create ' + name, base, in_transaction("SELECT create_imat('%s')" % name),
                             setup=['CREATE MATERIALIZED VIEW %s AS %s' % (name, VIEWS[name])]))
        imats = base + [name]
        made.append(Scenario('write ' + name, imats, in_transaction(*WRITES)))
        made.append(Scenario('first write ' + name, imats, [WRITES[4 if name == 'parted' else 0]], cold=True))
        made.append(Scenario('read ' + name, imats, in_transaction(WRITES[0], 'TABLE ' + name, WRITES[1], 'TABLE ' + name,
                                                                   WRITES[3])))
        made.append(Scenario('caught reading ' + name, imats, [CAUGHT_READING.format(name)], caught=True))
        made.append(Scenario('refresh ' + name, imats, in_transaction(WRITES[1], "SELECT imat.refresh('%s')" % name)))
        made.append(Scenario('drop ' + name, imats, in_transaction("SELECT imat.drop('%s')" % name, *WRITES)))
    made += [
        Scenario('caught', ALL, [CAUGHT], caught=True),
        Scenario('caught without a swap', ['plain', 'state', 'keyed', 'joined'], [CAUGHT], caught=True),
        Scenario('savepoints', ['plain', 'state', 'keyed', 'joined'], [
            'BEGIN', WRITES[0], 'SAVEPOINT a', WRITES[1], 'SAVEPOINT b', WRITES[2], 'RELEASE b', WRITES[3], 'ROLLBACK TO a',
            WRITES[3], 'SAVEPOINT c', WRITES[2], 'RELEASE a', 'COMMIT']),
        Scenario('truncate', ALL, in_transaction('TRUNCATE orders', WRITES[0])),
        Scenario('fill', ALL, in_transaction("INSERT INTO orders SELECT i, i, i::text, i, i, i FROM generate_series(200, 2400) i")),
        Scenario('lose extremes', ['extremes', 'joined_extremes'], in_transaction('DELETE FROM orders WHERE id > 6 AND id % 9 <> 1')),
        Scenario('attach a partition', ['parted'], in_transaction(
            'ALTER TABLE parts ATTACH PARTITION parts_9 FOR VALUES IN (8, 9)', 'INSERT INTO parts VALUES (50, 9)',
            'ALTER TABLE parts DETACH PARTITION parts_1', 'TRUNCATE parts_2'),
            setup=['CREATE TABLE parts_9 (id int, g int)', 'INSERT INTO parts_9 SELECT i, 8 + i % 2 FROM generate_series(1, 9) i']),
        Scenario('drop a partition', ['parted'], in_transaction('DROP TABLE parts_1')),
        Scenario('foreign keys trusted', ['pairs', 'optional'], in_transaction(
            'SET LOCAL pg_imat.trust_foreign_keys = on', "INSERT INTO kinds VALUES (20, 'new')", 'DELETE FROM kinds WHERE g = 3',
            'UPDATE orders SET g = 20 WHERE id = 3'),
            setup=['UPDATE orders SET g = NULL WHERE g NOT IN (SELECT g FROM kinds)',
                   'ALTER TABLE orders ADD FOREIGN KEY (g) REFERENCES kinds ON DELETE CASCADE',
                   'UPDATE orders SET g = g']),
        Scenario('copy', ['plain', 'state'], in_transaction("COPY orders FROM PROGRAM 'seq 300 320 | sed s/$/,1,a,1,1,1/' CSV")),
        Scenario('statement by statement', ['plain', 'keyed', 'joined'],
                 in_transaction("SET LOCAL pg_imat.flush = 'statement'", *WRITES)),
        Scenario('little memory', ['plain', 'state', 'joined'], in_transaction(
            "SET LOCAL pg_imat.pending_memory = '64kB'",
            'INSERT INTO orders SELECT i, i, i::text, i, i, i FROM generate_series(200, 900) i', WRITES[1])),
        Scenario('repeatable read', ['plain', 'keyed', 'joined', 'swapped'], [
            'BEGIN ISOLATION LEVEL REPEATABLE READ', WRITES[0], 'TABLE keyed', 'TABLE swapped', WRITES[1], 'TABLE joined', 'COMMIT']),
        Scenario('prepare', ['plain', 'keyed', 'joined'], ['BEGIN', *WRITES, "PREPARE TRANSACTION 'fault'",
                                                            "COMMIT PREPARED 'fault'"]),
        Scenario('drop, keeping the view', ['state'], in_transaction("SELECT imat.drop('state', keep => 'materialized view')")),
        Scenario('drop, keeping the table', ['state'], in_transaction("SELECT imat.drop('state', keep => 'table')")),
        Scenario('drop table', ['state'], in_transaction('DROP TABLE state', WRITES[0])),
        Scenario('drop schema', ['plain', 'above'], in_transaction('DROP TABLE orders CASCADE')),
        Scenario('alter', ['state'], in_transaction("SELECT imat.alter('state', strategy => 'swap')", WRITES[1],
                                                    "SELECT imat.alter('state', strategy => 'auto')", WRITES[0])),
        Scenario('alter subqueries', ['over_groups'], in_transaction(
            "SELECT imat.alter('over_groups', strategy => 'swap')", WRITES[1],
            "SELECT imat.alter('over_groups', strategy => 'auto')", WRITES[0])),
        Scenario('drop what keeps subqueries', ['over_groups'], in_transaction('DROP TABLE over_groups', WRITES[0])),
        Scenario('explain subqueries', [], ["SELECT * FROM imat.explain_query($$%s$$)" % VIEWS['over_groups']]),
        Scenario('look', ALL, ["SELECT imat.verify(imat), e FROM imat.registered, imat.explain(imat) e",
                               "SELECT count(*) FROM imat.status", "SELECT * FROM imat.advise()"]),
        Scenario('rename', ['plain', 'state'], in_transaction('ALTER TABLE plain RENAME TO other', WRITES[0],
                                                              'ALTER TABLE orders RENAME COLUMN v TO vv')),
        Scenario('move', [], in_transaction('CREATE SCHEMA elsewhere', "SELECT create_imat('plain', 'elsewhere')", WRITES[0]),
                 setup=['CREATE MATERIALIZED VIEW plain AS ' + VIEWS['plain'], 'CREATE VIEW upon AS SELECT * FROM plain',
                        'CREATE INDEX ON plain (n)']),
    ]
    return {s.name: s for s in made}


def exact(query):
    """With the sums of floats that don't depend on the order of rows."""
    return query.replace('avg(w)', 'imat.exact_avg(w)')


class Wrong(Exception):
    pass


def connect(database, **more):
    connection = psycopg2.connect(dbname=database, **more)
    connection.autocommit = True
    return connection


class Loop:
    """One scenario in a database of its own, and a second session that looks at what the first one does."""

    def __init__(self, scenario, number):
        self.scenario = scenario
        self.database = 'faults_%d' % number
        admin = connect('postgres')
        admin.cursor().execute('DROP DATABASE IF EXISTS %s' % self.database)
        admin.cursor().execute('CREATE DATABASE %s TEMPLATE imat_faults' % self.database)
        admin.close()
        self.checker = connect(self.database)
        self.backend = None
        run = self.checker.cursor().execute
        for imat in scenario.imats:
            run('SELECT imat.create(%s, %s)', (imat, VIEWS[imat]))
        for text in scenario.setup:
            run(text)
        self.comparison = ' UNION ALL '.join(
            "SELECT '{0}', (SELECT count(*) FROM ((TABLE {0} EXCEPT ALL ({1})) UNION ALL (({1}) EXCEPT ALL TABLE {0})) d), "
            "imat.verify('{0}')".format(i, exact(VIEWS[i])) for i in scenario.imats)
        self.faults = 0

    def close(self):
        for connection in (self.checker, self.backend):
            if connection is not None:
                connection.close()

    def fresh_backend(self):
        if self.backend is not None:
            self.backend.close()
        self.backend = connect(self.database, application_name='under test')

    def look(self, text, parameters=None):
        cursor = self.checker.cursor()
        cursor.execute(text, parameters)
        return cursor.fetchall()

    def contents(self):
        """All that a transaction could leave behind, as text."""
        kinds = dict(self.look("SELECT oid::regclass::text, relkind FROM pg_class WHERE relkind IN ('r', 'm', 'v') "
                               "AND relnamespace IN ('public'::regnamespace, 'imat'::regnamespace) "
                               "AND oid <> 'imat.status'::regclass"))
        filled = ["SELECT '%s', t::text FROM %s t" % (n.replace("'", "''"), n) for n, kind in kinds.items() if kind != 'v']
        return {'relations': kinds, 'rows': sorted(self.look(' UNION ALL '.join(filled))), 'triggers': sorted(self.look(
            'SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal'))}

    def differing(self):
        if not self.scenario.imats:
            return []
        return [row for row in self.look(self.comparison) if row[1:] != (0, 0)]

    # --- one fault ------------------------------------------------------------------------------------

    def steps(self, n, how):
        """The error or None."""
        cursor = self.backend.cursor()
        error = None
        try:
            cursor.execute('SELECT imat_fault_arm(%s, %s)', (n, how))
            for text in self.scenario.steps:
                cursor.execute(text)
        except psycopg2.Error as raised:
            error = raised
            if not self.backend.closed:
                self.roll_back()
        return error

    def roll_back(self):
        if self.backend.get_transaction_status() != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
            self.backend.cursor().execute('ROLLBACK')

    def fired(self):
        """The function that failed, or None. (Where the question was what failed: nothing else did.)"""
        cursor = self.backend.cursor()
        try:
            cursor.execute('SELECT imat_fault_fired()')
        except psycopg2.Error as error:
            if 'injected fault' in str(error):
                return None
            raise
        return cursor.fetchone()[0]

    def check_clean(self):
        """The idle backend holds nothing."""
        pid = self.backend.get_backend_pid()
        held = self.look('SELECT locktype, relation::regclass, objid, mode FROM pg_locks WHERE pid = %s', (pid,))
        if held:
            raise Wrong('locks are held: %s' % held)
        state = self.look("SELECT state, backend_xmin::text, backend_xid::text FROM pg_stat_activity WHERE pid = %s", (pid,))
        if state != [('idle', None, None)]:
            raise Wrong('a transaction or snapshot is left: %s' % state)
        warnings = [n for n in self.backend.notices if n.startswith('WARNING')]
        if warnings:
            raise Wrong('warned: %s' % warnings)

    def check_works(self):
        """The backend maintains tables as before; all equal their queries."""
        cursor = self.backend.cursor()
        cursor.execute('BEGIN; UPDATE orders SET v = v + 1, w = w + 0.1 WHERE id IN (1, 2); COMMIT')
        differing = self.differing()
        if differing:
            raise Wrong('tables that do not equal their queries (name, rows, imat.verify): %s' % differing)

    def compare_contents(self, before):
        after = self.contents()
        if after != before:
            names = [n for n in before if before[n] != after[n]]
            raise Wrong('an aborted transaction left a trace in the %s:\n%s\n%s' % (
                names, [before[n] for n in names], [after[n] for n in names]))

    def fail_at(self, n):
        """Have the n-th call fail; False: there was none."""
        if self.backend is None or self.scenario.cold:
            self.fresh_backend()
        before = self.contents()
        error = self.steps(n, 'error')
        where = self.fired()
        if where is None:
            if error is not None:
                raise Wrong('fails by itself: %s' % error)
            return False
        if error is not None and 'injected fault' not in str(error) and not self.scenario.caught:
            raise Wrong('the error became another one, after a fault in %s: %s' % (where, error))
        if error is None and not self.scenario.caught:
            raise Wrong('the error in %s was swallowed' % where)
        if error is not None:
            self.clean_up()
            self.compare_contents(before)
        self.faults += 1
        self.check_clean()
        self.check_works()
        return True

    def clean_up(self):
        """A prepared transaction may be left by a fault after it."""
        for (gid,) in self.look('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()'):
            self.checker.cursor().execute('ROLLBACK PREPARED %s', (gid,))

    # --- wait points ----------------------------------------------------------------------------------

    def stop_at(self, n, stopper):
        """Have the backend wait before the n-th call, and cancel or terminate it there; False: there was none."""
        self.fresh_backend()
        before = self.contents()
        pid = self.backend.get_backend_pid()
        self.look('SELECT pg_advisory_lock(%s)', (WAIT_LOCK,))
        try:
            # the statement that arms it is itself one that can be made to wait
            waiter = Asynchronous(self, "SELECT imat_fault_arm(%d, 'wait')" % n, '; '.join(self.scenario.steps))
            found = waiter.until_waiting(pid)
            if found:
                self.look('SELECT pg_%s_backend(%s)' % (stopper, '%s'), (pid,))
            error = waiter.result()
        finally:
            self.look('SELECT pg_advisory_unlock(%s)', (WAIT_LOCK,))
        if not found:
            return False
        if error is None:
            if self.scenario.caught:
                raise Wrong('cancelling was swallowed')
            raise Wrong('it was not stopped')
        self.faults += 1
        if stopper == 'cancel':
            self.roll_back()
            self.check_clean()
        else:
            self.fresh_backend()
            self.until_gone(pid)
        self.clean_up()
        self.compare_contents(before)
        self.check_works()
        return True

    def until_gone(self, pid):
        for _ in range(200):
            if not self.look('SELECT 1 FROM pg_stat_activity WHERE pid = %s', (pid,)):
                break
            time.sleep(0.01)
        held = self.look('SELECT locktype FROM pg_locks WHERE pid = %s', (pid,))
        if held:
            raise Wrong('locks of a backend that is gone: %s' % held)

    # --- leaks ----------------------------------------------------------------------------------------

    def memory(self):
        """What the backend keeps: bytes used by context name."""
        if self.backend.server_version < 140000:
            return {}
        cursor = self.backend.cursor()
        cursor.execute("SELECT name, sum(used_bytes)::bigint FROM pg_backend_memory_contexts "
                       "WHERE name ~ 'TopMemory|pg_imat' GROUP BY name")
        return dict(cursor.fetchall())

    def check_memory(self, before):
        """PostgreSQL's own caches remember every Oid they were asked for, and another plan may be cached than before; what else
        grows with each fault is a leak."""
        grown = {n: size - before.get(n, 0) for n, size in self.memory().items()}
        if sum(grown.values()) > 100000 + 100 * self.faults:
            raise Wrong('memory has grown in %d faults: %s' % (self.faults, sorted(grown.items(), key=lambda g: -g[1])[:4]))


class Asynchronous:
    """Scripts that run in the backend while others look."""

    def __init__(self, loop, *scripts):
        self.loop = loop
        self.error = None
        self.thread = threading.Thread(target=self.run, args=scripts)
        self.thread.start()

    def run(self, *scripts):
        try:
            for script in scripts:
                self.loop.backend.cursor().execute(script)
        except psycopg2.Error as error:
            self.error = error

    def until_waiting(self, pid):
        """Does it come to wait? Otherwise it has ended."""
        while self.thread.is_alive():
            if self.loop.look("SELECT 1 FROM pg_locks WHERE pid = %s AND locktype = 'advisory' AND objid = %s AND NOT granted",
                              (pid, WAIT_LOCK)):
                return True
            self.thread.join(0.002)
        return False

    def result(self):
        self.thread.join()
        return self.error


def run_scenario(scenario, number, options, rng, deadline):
    """Faults, then stops, within the time given; the number of faults."""
    loop = Loop(scenario, number)
    n = 0
    try:
        n = options.at or 1
        memory = None
        while time.time() < deadline:
            if not loop.fail_at(n):
                break
            if loop.faults == 20:
                memory = loop.memory()
            if options.at:
                return loop.faults
            n += 1 if options.all else 1 + int(rng.expovariate(1.0 / options.stride))
        if memory and loop.faults > 100 and not scenario.cold:
            loop.check_memory(memory)
    except Wrong as wrong:
        print('FAILED: "%s", fault %d: %s' % (scenario.name, n, wrong), flush=True)
        loop.close()
        return -1
    except psycopg2.Error as error:
        print('FAILED: "%s", fault %d: %s' % (scenario.name, n, error), flush=True)
        loop.close()
        return -1
    loop.close()
    if not options.no_stops:
        return loop.faults + run_stops(scenario, number, options, rng, deadline)
    return loop.faults


def run_stops(scenario, number, options, rng, deadline):
    loop = Loop(scenario, number)
    n = 1
    try:
        while time.time() < deadline:
            n += int(rng.expovariate(1.0 / options.stop_stride))
            if not loop.stop_at(n, rng.choice(['cancel', 'terminate'])):
                break
    except (Wrong, psycopg2.Error) as wrong:
        print('FAILED: "%s", stopped at %d: %s' % (scenario.name, n, wrong), flush=True)
        return -1
    finally:
        loop.close()
    return loop.faults


def make_template():
    admin = connect('postgres')
    admin.cursor().execute('CREATE DATABASE imat_faults')
    admin.close()
    inner = connect('imat_faults')
    inner.cursor().execute("""CREATE EXTENSION pg_imat;
        CREATE FUNCTION imat_fault_arm(int, text) RETURNS void LANGUAGE c STRICT AS '$libdir/pg_imat';
        CREATE FUNCTION imat_fault_fired() RETURNS text LANGUAGE c STRICT AS '$libdir/pg_imat';
        CREATE FUNCTION imat_fault_count() RETURNS int LANGUAGE c STRICT AS '$libdir/pg_imat'""" + ';' + SETUP)
    inner.close()


def main():
    parser = argparse.ArgumentParser(prog='test/faults/run', description=__doc__)
    parser.add_argument('--seconds', type=float, default=60, help='for all scenarios together; each gets its share')
    parser.add_argument('--only', help='scenarios whose names begin so, separated by commas')
    parser.add_argument('--all', action='store_true', help='every n, however long it takes')
    parser.add_argument('--stride', type=float, help='how far apart the faults are, on average; default: as time allows')
    parser.add_argument('--stop-stride', type=float, help='the same for backends that are cancelled or terminated')
    parser.add_argument('--at', type=int, help='this n only')
    parser.add_argument('--seed', type=int)
    parser.add_argument('--no-stops', action='store_true')
    parser.add_argument('--keep-going', action='store_true')
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    print('seed %d' % seed, flush=True)
    make_template()
    chosen = [s for s in scenarios().values()
              if not options.only or any(s.name.startswith(o) for o in options.only.split(','))]
    start, passed, failed = time.time(), 0, 0
    few = int(options.seconds / 1.5)
    if few < len(chosen) and not options.all:
        chosen = rng.sample(chosen, max(1, few))
    options.stride = options.stride or (1 if options.all else 40)
    options.stop_stride = options.stop_stride or 200
    for number, scenario in enumerate(chosen):
        left = start + options.seconds - time.time()
        share = 1e9 if options.all else max(0.3, left / (len(chosen) - number))
        began = time.time()
        found = run_scenario(scenario, number, options, rng, began + share)
        print('%6d faults  %5.1f s  %s' % (found, time.time() - began, scenario.name), flush=True)
        passed, failed = passed + max(found, 0), failed + (found < 0)
        if found == 0 and not options.at and not options.seconds:
            failed += 1
        if found < 0 and not options.keep_going:
            break
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
