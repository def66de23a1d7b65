"""Replaying a scenario in one session, next to a shadow: the same tables and statements, with plain views for IMATs.

Whatever the shadow's views show after the same statements is what the IMATs must show: after every commit, and inside
a transaction wherever it reads. A statement may fail only where it fails in the shadow too, or where the definition of
an IMAT fails there (a sum that is out of range, a division by zero).
"""

import collections
import io
import re
import time

import psycopg2
import psycopg2.extensions as extensions

from . import queries
from .scenario import copy_lines, render
from .values import CITEXT, exact_aggregate, plain, same_float, shown

TEMPLATE = 'imat_random_template'
PINNED = "SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = '%s'"
PEEK = 'CREATE FUNCTION peek(query text) RETURNS SETOF text[] LANGUAGE plpgsql AS ' \
       "'BEGIN RETURN QUERY EXECUTE query; END'"
LARGE = 100000  # rows; to compare as many after each transaction takes seconds each time


class Failure(Exception):
    """The promise is broken. kind tells failures apart when a scenario is shrunk."""

    def __init__(self, kind, detail):
        super().__init__('%s: %s' % (kind, detail))
        self.kind = kind
        self.detail = detail


class BadScenario(Exception):
    """Setting up failed without pg_imat having a part in it."""


class Diverged(Exception):
    """The two schemas are no longer alike, rightly so: nothing more can be compared."""


class Stats(collections.Counter):
    pass


def connect(database, schema, zone, **settings):
    options = '-c search_path=%s,public -c timezone=%s -c statement_timeout=60000 -c lock_timeout=30000' % (schema, zone)
    for name, setting in settings.items():
        options += ' -c %s=%s' % (name, setting)
    connection = psycopg2.connect(dbname=database, options=options, application_name=schema)
    connection.autocommit = True
    return connection


def has_citext(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT FROM pg_available_extensions WHERE name = 'citext'")
    return cursor.rowcount > 0


def make_template():
    with_template = connect('postgres', 'public', 'UTC')
    cursor = with_template.cursor()
    cursor.execute('SELECT 1 FROM pg_database WHERE datname = %s', (TEMPLATE,))
    if not cursor.fetchone():
        cursor.execute('CREATE DATABASE %s' % TEMPLATE)
        inner = connect(TEMPLATE, 'public', 'UTC')
        inner.cursor().execute('CREATE EXTENSION pg_imat; CREATE SCHEMA live; CREATE SCHEMA shadow; CREATE SCHEMA old')
        if has_citext(inner):
            inner.cursor().execute('CREATE EXTENSION citext')
        inner.close()
    with_template.close()


def drop_database(name):
    """However the scenario ended: a server that is coming up again, transactions that were left prepared."""
    for _ in range(50):
        try:
            here = connect(name, 'public', 'UTC')
            cursor = here.cursor()
            cursor.execute('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()')
            for (gid,) in cursor.fetchall():
                cursor.execute('ROLLBACK PREPARED %s', (gid,))
            here.close()
            admin = connect('postgres', 'public', 'UTC')
            admin.cursor().execute('DROP DATABASE IF EXISTS %s WITH (FORCE)' % name)
            admin.close()
            return
        except psycopg2.Error as error:
            if 'does not exist' in str(error):
                return
            time.sleep(0.2)


def create_database(name):
    admin = connect('postgres', 'public', 'UTC')
    admin.cursor().execute('CREATE DATABASE %s TEMPLATE %s' % (name, TEMPLATE))
    admin.close()


def code_of(error):
    return error.pgcode or ('57P01' if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)) else '?')


def harness_error(error):
    """What an error of a query of ours comes to. They are definitions, as they are or compared with tables: some are slow."""
    if code_of(error) == '57014':
        return BadScenario('a definition takes too long')
    return Failure('harness ' + code_of(error), str(error))


class Session:
    """A connection and what it says; errors are values here."""

    def __init__(self, connection):
        self.connection = connection
        self.cursor = connection.cursor()
        self.status = ''

    def run(self, text):
        """Execute; the error or None."""
        try:
            self.cursor.execute(text)
            self.status = self.cursor.statusmessage
            return None
        except psycopg2.Error as error:
            if self.connection.closed:
                raise Failure('crash', '%s\n%s' % (error, text)) from error
            return error

    def copy(self, step):
        try:
            self.cursor.copy_expert('COPY %s (%s) FROM STDIN' % (step['table'], ', '.join(step['columns'])),
                                    io.StringIO(copy_lines(step)))
            return None
        except psycopg2.Error as error:
            if self.connection.closed:
                raise Failure('crash', '%s\nCOPY %s' % (error, step['table'])) from error
            return error

    def step(self, step):
        return self.copy(step) if step['kind'] == 'copy' else self.run(render(step))

    def rows(self, text):
        self.cursor.execute(text)
        return self.cursor.fetchall()

    def aborted(self):
        return self.connection.get_transaction_status() == extensions.TRANSACTION_STATUS_INERROR

    def columns(self, name):
        """Names and types of a relation's columns."""
        self.cursor.execute('SELECT * FROM %s LIMIT 0' % name)
        described = [(d.name, d.type_code) for d in self.cursor.description]
        if all(t < 16384 for _, t in described):
            return described
        caseless = self.rows("SELECT oid::int FROM pg_type WHERE typname = 'citext'")
        return [(n, CITEXT if (t,) in caseless else t) for n, t in described]

    def in_transaction(self):
        return self.connection.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE


def creation(imat, exact=False):
    """The statements that create an IMAT."""
    text = queries.render(imat['query'])
    name, how = imat['name'], imat['how']
    if how == 'create':
        return ["SELECT imat.create('%s', %s, strategy => '%s')" % (name, literal(text), imat['strategy'])]
    schema = 'old.' if how == 'moved' else ''
    made = ['CREATE MATERIALIZED VIEW %s%s AS %s%s' % (schema, name, text, ' WITH NO DATA' if how == 'nodata' else '')]
    columns = queries.columns_of(imat['query'])
    if how == 'indexed' and columns:
        made.append('CREATE INDEX ON %s (%s)' % (name, columns[0]['name']))
        keys = [k for k in imat['query'].get('keys', [])]
        if keys and all(k['selected'] for k in keys) and not imat['query'].get('sets'):
            made.append('CREATE UNIQUE INDEX ON %s (%s)' % (name, ', '.join(k['name'] for k in keys)))
    made.append("SELECT create_imat('%s%s'%s)" % (schema, name, ", 'live'" if how == 'moved' else ''))
    if imat['strategy'] != 'auto':
        made.append("SELECT imat.alter('%s', strategy => '%s')" % (name, imat['strategy']))
    return made


def literal(text):
    return "$q$%s$q$" % text


class Comparer:
    """Rows of relations, so that equal relations give equal multisets."""

    def __init__(self, scenario):
        self.fuzzy = {}
        for imat in scenario['imats']:
            query = imat['query']
            whole = query['kind'] == 'text' and not query.get('exact')
            self.fuzzy[imat['name']] = [whole or c['fuzzy'] for c in queries.columns_of(query)]
        self.types = {}

    def described(self, session, name):
        """Names and types of columns."""
        if name not in self.types:
            self.types[name] = session.columns(name)
        return self.types[name]

    def query(self, name, columns, schema=''):
        return 'SELECT ARRAY[%s] FROM %s%s' % (', '.join(shown('q.' + c, t) for c, t in columns) or "''", schema,
                                               name + ' q')

    def multiset(self, name, columns, rows):
        fuzzy = self.fuzzy[name]
        return collections.Counter(
            tuple(plain(v, t) if f else v for v, (_, t), f in zip(row[0], columns, fuzzy)) for row in rows)


def show_difference(expected, found, limit=6):
    missing, extra = expected - found, found - expected
    lines = ['%d rows missing, %d too many' % (sum(missing.values()), sum(extra.values()))]
    lines += ['  missing %s %r' % (n, r) for r, n in list(missing.items())[:limit]]
    lines += ['  extra   %s %r' % (n, r) for r, n in list(extra.items())[:limit]]
    return '\n'.join(lines)


def note_strategy(session, imat, moved, stats):
    """Count what is maintained how, so that it is seen whether what is meant to do the work does it."""
    rows = session.rows("SELECT strategy, strategy_reason, deltas_applied, swaps FROM imat.status "
                        "WHERE imat = 'live.%s'::regclass" % imat['name'])
    strategy, reason, deltas, swaps = rows[0]
    if strategy in ('delta', 'keyed') and moved and not deltas and not swaps:
        raise Failure('strategy', '%s has changed, but by its status neither %s nor swap did anything' % (imat['name'], strategy))
    if imat.get('meant') and imat['strategy'] != 'swap':
        stats['meant for delta'] += 1
        stats['meant for delta, by delta'] += strategy == 'delta'
        if imat.get('joined'):
            stats['joins meant for delta'] += 1
            stats['joins meant for delta, by delta'] += strategy == 'delta'
            stats['joins that changed'] += moved
    if strategy in ('delta', 'keyed'):
        stats['deltas of ' + strategy] += deltas or 0
        stats['swaps of ' + strategy] += swaps or 0
    if strategy == 'delta' and (deltas or swaps):
        stats['delta at work'] += 1
        stats['delta at work, mostly swapped'] += (swaps or 0) > (deltas or 0)
    kind = 'group' if imat['query']['kind'] == 'group' else 'row' if imat['query'].get('exact') else 'other'
    stats[kind + ' views'] += 1
    stats['%s views by %s' % (kind, strategy)] += 1
    if kind == 'group':
        stats['deltas'] += deltas or 0
    if strategy == 'swap' and imat['strategy'] != 'swap' and kind != 'other':
        stats['%s views, reason: %s' % (kind, reason)] += 1


def image(session, schema):
    """Every row of every IMAT of a schema, and of what is kept beside it, as it stands."""
    tables = session.rows("SELECT unnest(ARRAY[imat, state] || multiplicities)::regclass::text FROM imat.imat_config c JOIN pg_class r "
                          "ON r.oid = c.imat WHERE r.relnamespace = '%s'::regnamespace" % schema)
    return {t: session.rows('SELECT array_agg(q::text ORDER BY q::text COLLATE "C") FROM %s q' % t)[0][0] for (t,) in tables if t}


def check_no_trace(before, after):
    """What was rolled back has changed nothing."""
    for table in before:
        if before[table] != after.get(table):
            raise Failure('trace', 'what was rolled back has left something in %s\n%s' % (table, show_difference(
                collections.Counter(before[table] or []), collections.Counter(after.get(table) or []))))


class Replay:
    def __init__(self, scenario, database, stats, log=None):
        self.scenario = scenario
        self.database = database
        self.stats = stats
        self.comparer = Comparer(scenario)
        self.imats = {i['name']: i for i in scenario['imats']}
        self.contents = {}
        self.moved = set()  # IMATs that were seen to change
        self.counter = 0
        self.log = log if log is not None else []
        self.prepared = 0

    # --- opening and closing ----------------------------------------------------------------------

    def open(self):
        drop_database(self.database)
        create_database(self.database)
        zone, settings = self.scenario['zone'], self.scenario.get('settings', {})
        self.live = Session(connect(self.database, 'live', zone, **settings))
        self.shadow = Session(connect(self.database, 'shadow', zone))
        self.checker = Session(connect(self.database, 'shadow', zone))

    def open_sessions(self):
        return [getattr(self, n) for n in ('live', 'shadow', 'checker') if hasattr(self, n)]

    def close(self):
        for session in self.open_sessions():
            session.connection.close()
        drop_database(self.database)

    # --- what must hold -----------------------------------------------------------------------------

    def existing(self, session):
        """The IMATs that the shadow has."""
        rows = session.rows("SELECT relname FROM pg_class WHERE relnamespace = 'shadow'::regnamespace AND relkind = 'v'")
        names = {r[0] for r in rows}
        return [n for n in self.imats if n in names]

    def compare(self):
        """Every IMAT, as others see it, with its definition in the shadow, and with itself (imat.verify)."""
        for name in self.existing(self.checker):
            columns = self.comparer.described(self.checker, name)
            try:
                expected = self.comparer.multiset(name, columns, self.checker.rows(
                    self.comparer.query(name, columns, 'shadow.')))
            except psycopg2.Error as error:
                self.judge_missing(name, error)
            found = self.comparer.multiset(name, columns, self.checker.rows(
                self.comparer.query(name, columns, 'live.')))
            self.stats['comparisons'] += 1
            self.stats['not empty'] += bool(expected)
            if self.contents.get(name) not in (None, expected):
                self.stats['changed'] += 1
                self.moved.add(name)
            self.contents[name] = expected
            if expected != found:
                raise Failure('mismatch', '%s does not equal its definition\n%s' %
                              (name, show_difference(expected, found)))
            left = self.checker.rows("SELECT imat.verify('live.%s')" % name)[0][0]
            if left != 0:
                raise Failure('verify', 'imat.verify(%s) = %d, but it equals its definition' % (name, left))
            self.check_floats(name)
            if sum(expected.values()) > LARGE:
                raise BadScenario('%s, which equals its definition, has grown too large to go on with' % name)

    def judge_missing(self, name, error):
        """
        The definition fails in the shadow. Over a view its conditions may be asked in another order than over the table that
        equals it: so it need not fail over the tables.
        """
        try:
            self.checker.rows("SELECT count(q::text) FROM (SELECT definition FROM imat.registered WHERE imat = 'live.%s'::regclass) r, "
                              "peek(format('SELECT ARRAY[q::text] FROM %%s q', r.definition::regclass)) q" % name)
        except psycopg2.Error:
            raise Failure('missing error', 'the definition of %s fails, its maintenance did not: %s' % (name, error)) from error
        raise BadScenario('the definition of %s fails over views, and not over tables' % name)

    def check_floats(self, name):
        """The exact aggregates are what Python computes."""
        text, bare = queries.raw_query(self.imats[name]['query'])
        if not bare:
            return
        for row in self.checker.rows(text):
            for n, (function, type_name, _, _) in enumerate(bare):
                found, values = row[2 * n], row[2 * n + 1]
                wanted = exact_aggregate(function, type_name, values or [])
                if wanted != 'any' and not same_float(found, wanted):
                    raise Failure('exact', 'imat.exact_%s(%s) of %r is %r, not %r' %
                                  (function, type_name, values, found, wanted))
                self.stats['float sums'] += 1

    def failing_definition(self):
        """The error of a definition in the shadow's transaction as it stands, if one fails."""
        for name in self.existing(self.shadow):
            self.shadow.cursor.execute('SAVEPOINT _d')
            error = self.shadow.run(PINNED % self.scenario['zone'])
            error = error or self.shadow.run('SELECT ARRAY[q::text] FROM %s q' % name)
            self.shadow.cursor.execute('ROLLBACK TO _d; RELEASE _d')
            if error:
                return error
        return None

    def fails_midway(self, step):
        """
        The error of a definition before the statement, or after one of several that come as one, whatever the others do about
        it: what has changed is computed at some of them (before TRUNCATE, say, whose own rows don't matter then). Of the shadow
        nothing is left.
        """
        wrapped = self.shadow.in_transaction()
        self.shadow.cursor.execute('SAVEPOINT _m' if wrapped else 'BEGIN; SAVEPOINT _m')
        error = self.failing_definition() if wrapped and not self.shadow.aborted() else None
        for part in step.get('parts', []):
            if part == 'ROLLBACK':
                self.shadow.cursor.execute('ROLLBACK TO _m')
            elif part == 'COMMIT':
                self.shadow.cursor.execute('RELEASE _m; SAVEPOINT _m')
            elif self.shadow.run(part):
                break
            else:
                error = error or self.failing_definition()
        self.shadow.cursor.execute('ROLLBACK TO _m; RELEASE _m' if wrapped else 'ROLLBACK')
        return error

    def state_of(self, name):
        """The rows of the hidden state, or None. Of equal values that look different, the tables have any."""
        tables = self.checker.rows("SELECT unnest(state || multiplicities)::text FROM imat.imat_config "
                                   "WHERE state IS NOT NULL AND imat = 'live.%s'::regclass" % name)
        rows = []
        for (table,) in tables:
            value = [t for n, t in self.checker.columns(table) if n == 'value']
            likes = {700: 'value + 0', 701: 'value + 0', 1700: "trim_scale(value)", 1186: 'justify_interval(value)',
                     CITEXT: 'lower(value)'}
            like = likes.get(value[0], 'value') if value else 'NULL'
            rows += [r[0] for r in self.checker.rows(
                "SELECT (to_jsonb(s) - 'value')::text || ' ' || coalesce((%s)::text, '') FROM %s s" % (like, table))]
        return sorted(rows) or None

    def finish(self):
        """At the end: base tables alike, hidden state as if built anew, strategies as expected, verify not blind."""
        for step in self.scenario['setup']:
            table = step['kind'] == 'sql' and step['text'].startswith('CREATE TABLE t') and step['text'].split()[2]
            if table and '_' not in table:
                columns = [r[0] for r in self.checker.rows(
                    "SELECT attname FROM pg_attribute WHERE attrelid = 'shadow.%s'::regclass AND attnum > 0 AND NOT "
                    "attisdropped AND attname !~ '^x'" % table)]
                texts = [collections.Counter(r[0] for r in self.checker.rows(
                    'SELECT ROW(%s)::text FROM %s.%s' % (', '.join(columns), schema, table)))
                    for schema in ('live', 'shadow')]
                if texts[0] != texts[1]:
                    raise Failure('base', 'table %s is another one than without pg_imat\n%s' %
                                  (table, show_difference(texts[1], texts[0])))
        self.checker.cursor.execute("SET search_path = live, public")
        for name in self.existing(self.checker):
            note_strategy(self.checker, self.imats[name], name in self.moved, self.stats)
            self.check_state(name)
            self.check_verify_sees(name)

    def check_state(self, name):
        before = self.state_of(name)
        self.checker.cursor.execute("SELECT imat.refresh('live.%s')" % name)
        after = self.state_of(name)
        self.stats['states'] += bool(before)
        fuzzy = self.comparer.fuzzy[name] + [k['fuzzy'] for k in self.imats[name]['query'].get('keys', [])]
        # How many of the values next to an extreme are kept depends on what was there before.
        extremes = re.search(r'\b(min|max)\(', queries.render(self.imats[name]['query']))
        if before != after and not any(fuzzy) and not extremes:
            raise Failure('state', 'the hidden state of %s drifted\n%s' % (name, show_difference(
                collections.Counter(after or []), collections.Counter(before or []))))

    def check_verify_sees(self, name):
        run = self.checker.cursor.execute
        run("BEGIN; UPDATE pg_class SET relhastriggers = false WHERE oid = 'live.%s'::regclass" % name)
        run('DELETE FROM %s WHERE ctid = (SELECT ctid FROM %s LIMIT 1)' % (name, name))
        if self.checker.cursor.rowcount == 1:
            left = self.checker.rows("SELECT imat.verify('%s')" % name)[0][0]
            self.stats['losses seen'] += 1
            if left != 1:
                raise Failure('verify', 'imat.verify(%s) = %d after a row was taken away' % (name, left))
        run('ROLLBACK')

    # --- steps --------------------------------------------------------------------------------------

    def note(self, text):
        self.log.append(text)

    def set_up(self):
        for session in (self.live, self.shadow):
            error = session.run(PEEK)
            for step in self.scenario['setup']:
                error = error or session.step(step)
            if error:
                raise BadScenario('%s' % error)
        for imat in self.scenario['imats']:
            if not imat['later']:
                self.create(imat, 'setup')

    def create(self, imat, where):
        """
        In the shadow first: a definition that isn't accepted there is no test. The settings of now are those that it is
        computed under from then on, so they are the scenario's.
        """
        wrapped = self.shadow.in_transaction()
        if wrapped:
            pinned = "SET LOCAL TimeZone = '%s'" % self.scenario['zone']
            self.note(pinned + ';')
            self.shadow.run(pinned)
            self.live.run(pinned)
        text = 'CREATE VIEW %s AS %s' % (imat['name'], queries.render(imat['query'], True))
        shadow_error = self.shadow.run('SAVEPOINT _s') if wrapped else self.shadow.run('BEGIN')
        shadow_error = shadow_error or self.shadow.run(text) or self.shadow.run('SAVEPOINT _c')
        fails = None
        if not shadow_error:
            fails = self.shadow.run(PINNED % self.scenario['zone'])
            fails = fails or self.shadow.run('SELECT ARRAY[q::text] FROM %s q' % imat['name'])
            self.shadow.cursor.execute('ROLLBACK TO _c; RELEASE _c')
        if not wrapped and shadow_error:
            self.shadow.run('ROLLBACK')
        live_error = None
        if not wrapped:
            self.live.run('BEGIN')
        for part in creation(imat):
            self.note(part)
            if not live_error:
                live_error = self.live.run(part)
                if live_error and part.startswith('CREATE MATERIALIZED'):
                    fails = live_error  # PostgreSQL's own sum(float) may overflow where the exact one does not
        if not wrapped:
            commit_error = self.live.run('ROLLBACK' if live_error else 'COMMIT')
            live_error = live_error or commit_error
        if live_error and not shadow_error and not fails and wrapped:
            fails = self.failing_definition()
        if live_error and not shadow_error and not fails:
            raise Failure('create ' + code_of(live_error), '%s\n%s' % (live_error, '; '.join(creation(imat))))
        if shadow_error and not live_error:
            raise BadScenario('the view is refused, the IMAT not: %s' % shadow_error)
        if live_error and where == 'setup':
            raise BadScenario(str(live_error))
        if not shadow_error:
            if live_error and wrapped:
                self.shadow.run('SELECT 1 / 0')
            elif not wrapped:
                self.shadow.run('COMMIT')
            else:
                self.shadow.run('RELEASE _s')

    def read(self, step):
        """What the transaction itself sees in an IMAT."""
        name = step['imat']
        if self.live.aborted() or name not in self.existing(self.shadow):
            return
        columns = self.comparer.described(self.shadow, name)
        text = self.comparer.query(name, columns)
        self.counter += 1
        how = step['how']
        before, after = [], []
        if how == 'cursor' and self.live.in_transaction():
            before, asked, after = ['DECLARE c%d CURSOR FOR %s' % (self.counter, text)], 'FETCH ALL c%d' % self.counter, \
                ['CLOSE c%d' % self.counter]
        elif how == 'function':
            asked = 'SELECT * FROM peek(%s)' % literal(text)
        elif how == 'join':
            asked = text + ' LEFT JOIN (SELECT 1) AS one ON true'
        elif how == 'prepared':
            before, asked = ['PREPARE p%d AS %s' % (self.counter, text)], 'EXECUTE p%d' % self.counter
        else:
            asked = text
        live_error = None
        for part in before + [asked]:
            self.note(part + ';')
            live_error = live_error or self.live.run(part)
        found = None if live_error else self.live.cursor.fetchall()
        for part in after:
            self.note(part + ';')
            live_error = live_error or self.live.run(part)

        wrapped = self.shadow.in_transaction()
        self.shadow.cursor.execute('SAVEPOINT _s' if wrapped else 'BEGIN')
        shadow_error = self.shadow.run(PINNED % self.scenario['zone']) or self.shadow.run(text)
        expected = None if shadow_error else self.shadow.cursor.fetchall()
        self.shadow.cursor.execute('ROLLBACK TO _s; RELEASE _s' if wrapped else 'ROLLBACK')
        if live_error:
            self.judge_error(live_error, shadow_error, 'reading ' + name)
            return
        if shadow_error:
            raise Failure('missing error', 'the definition of %s fails, reading it did not: %s' % (name, shadow_error))
        self.stats['reads'] += 1
        expected = self.comparer.multiset(name, columns, expected)
        found = self.comparer.multiset(name, columns, found)
        if expected != found:
            raise Failure('read', 'the transaction sees something else in %s (%s)\n%s' %
                          (name, how, show_difference(expected, found)))

    def judge_error(self, live_error, shadow_error, text, definition=None):
        """
        The real statement failed: was that right? It is where it fails in the shadow, or where a definition does (then or, as
        given, before its end). The shadow's transaction is made to fail, too.
        """
        if shadow_error is None:
            alone = not self.shadow.in_transaction()
            if alone:
                self.shadow.run('BEGIN')
            definition = definition or self.failing_definition()
            if alone:
                self.shadow.run('ROLLBACK')
                if definition:
                    raise Diverged()
            if definition is None:
                raise Failure('error ' + code_of(live_error), '%s\n%s' % (str(live_error).strip(), text))
            self.stats['definition errors'] += 1
        self.stats['errors'] += 1
        if self.shadow.in_transaction() and not self.shadow.aborted():
            self.shadow.run('ROLLBACK TO _s')
            self.shadow.run('SELECT 1 / 0')

    CONTROL = ('SAVEPOINT', 'ROLLBACK', 'RELEASE', 'BEGIN', 'COMMIT', 'SET')

    def run_step(self, step):
        kind = step['kind']
        if kind == 'reconnect':
            self.note('-- reconnect')
            for name, session in (('live', self.live), ('shadow', self.shadow)):
                session.connection.close()
                settings = self.scenario.get('settings', {}) if name == 'live' else {}
                setattr(self, name, Session(connect(self.database, name, self.scenario['zone'], **settings)))
            return
        if kind == 'read':
            self.read(step)
            return
        if kind == 'create':
            if not self.live.aborted():
                self.create(self.imats[step['imat']], 'transaction')
            return
        self.note(render(step) + ';' if kind != 'copy' else
                  'COPY %s (%s) FROM STDIN;\n%s\\.' % (step['table'], ', '.join(step['columns']), copy_lines(step)))
        control = kind == 'sql' and step['text'].startswith(self.CONTROL)
        if self.live.aborted() and not control:
            return
        if kind == 'live':
            self.run_live(step)
            return
        live_error = self.live.step(step)
        midway = self.fails_midway(step) if live_error and code_of(live_error).startswith('22') else None
        if control or not self.shadow.in_transaction():
            shadow_error = self.shadow.step(step)
        else:
            shadow_error = self.shadow.run('SAVEPOINT _s') or self.shadow.step(step)
            if not self.live.in_transaction():  # the real statement has committed
                shadow_error = shadow_error or self.shadow.run('SET CONSTRAINTS ALL IMMEDIATE')
        if shadow_error and code_of(shadow_error) == '57014':
            raise BadScenario('a statement takes too long without pg_imat')
        if live_error and code_of(live_error) == '57014' and 'anew()' in (render(step) or ''):
            raise BadScenario('to compute all anew for each of many rows takes too long')
        if live_error:
            self.judge_error(live_error, shadow_error, render(step) or 'COPY', midway)
        elif shadow_error:
            raise Failure('missing error', 'a statement fails without pg_imat only: %s\n%s' % (shadow_error, render(step)))
        elif not control and self.shadow.in_transaction():
            self.shadow.run('RELEASE _s')

    def run_live(self, step):
        name = None
        for candidate in self.imats:
            if candidate in step['text'].replace("'", ' ').split():
                name = candidate
        if name and name not in self.existing(self.shadow):
            return
        wrapped = self.shadow.in_transaction()
        if wrapped:
            self.shadow.run('SAVEPOINT _s')
        error = self.live.run(step['text'])
        if error:
            self.judge_error(error, None, step['text'])
        elif wrapped:
            self.shadow.run('RELEASE _s')
            if 'imat.verify' in step['text'] and self.live.cursor.fetchone()[0] != 0:
                raise Failure('verify', 'not 0 inside a transaction: ' + step['text'])

    def alone(self, transaction):
        """A statement without BEGIN. Some can't be in a transaction block; the shadow may, for the others."""
        if not transaction['steps']:
            return
        step = transaction['steps'][0]
        text = render(step) or ''
        bare = step['kind'] in ('reconnect', 'live') or text.startswith(('VACUUM', 'REINDEX')) or text.endswith(' CONCURRENTLY') or \
            (text.startswith('DO ') and any(w in text for w in ('COMMIT', 'ROLLBACK')))
        if bare:
            self.run_step(step)
            return
        self.shadow.run('BEGIN')
        self.run_step(step)
        fails = None if self.shadow.aborted() else self.failing_definition()
        if fails:
            raise Failure('missing error', 'a definition fails, the statement did not: %s\n%s' % (fails, text))
        self.shadow.run('COMMIT')

    def transaction(self, transaction):
        if transaction['begin'] is None:
            self.alone(transaction)
            return
        self.note(transaction['begin'] + ';')
        self.live.run(transaction['begin'])
        self.shadow.run(transaction['begin'])
        before = image(self.checker, 'live')
        for step in transaction['steps']:
            self.run_step(step)
        aborted = self.live.aborted()
        self.end(transaction['end'])
        if aborted or 'ROLLBACK' in transaction['end']:
            check_no_trace(before, image(self.checker, 'live'))
            self.stats['found without a trace'] += 1

    def end(self, end):
        if self.live.aborted() or end == 'ROLLBACK':
            end = 'COMMIT' if end != 'ROLLBACK' else end
            self.note(end + ';')
            self.live.run(end)
            self.shadow.run(end)
            self.stats['rolled back'] += 1
            return
        fails = self.failing_definition()
        if end == 'COMMIT':
            self.note('COMMIT;')
            error = self.live.run('COMMIT')
        else:
            self.prepared += 1
            gid = '%s_%d' % (self.database, self.prepared)
            self.note("PREPARE TRANSACTION '%s';" % gid)
            error = self.live.run("PREPARE TRANSACTION '%s'" % gid)
        if fails:
            if not error:
                raise Failure('missing error', 'a definition fails, the commit did not: %s' % fails)
            self.stats['definition errors'] += 1
            self.shadow.run('ROLLBACK')
            return
        if end == 'COMMIT':
            shadow_error = self.shadow.run('COMMIT')
        else:
            shadow_error = self.shadow.run("PREPARE TRANSACTION '%s_s'" % gid)
        if bool(error) != bool(shadow_error):
            raise Failure(('error ' + code_of(error)) if error else 'missing error',
                          'at %s: %s; without pg_imat: %s' % (end, error, shadow_error))
        if end != 'COMMIT' and not error:
            done = 'ROLLBACK' if end.endswith('ROLLBACK') else 'COMMIT'
            self.note("%s PREPARED '%s';" % (done, gid))
            for session, suffix in ((self.live, ''), (self.shadow, '_s')):
                failed = session.run("%s PREPARED '%s%s'" % (done, gid, suffix))
                if failed:
                    raise Failure('error ' + code_of(failed), '%s PREPARED: %s' % (done, failed))
        self.stats['commits'] += 1

    def run(self):
        """Raises Failure or BadScenario; returns nothing."""
        try:
            self.open()
            self.set_up()
            self.compare()
            for transaction in self.scenario['work']:
                self.transaction(transaction)
                self.compare()
            self.finish()
            self.stats['scenarios'] += 1
        except Diverged:
            self.stats['diverged'] += 1
        except psycopg2.Error as error:
            # not one of a statement under test: the harness itself met it
            raise harness_error(error) from error
        finally:
            self.close()
