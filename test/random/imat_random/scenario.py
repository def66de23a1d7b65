"""A scenario: tables, IMATs, and what sessions do to them. Made from a seed; plain data, so that it can be kept and shrunk.

    {'seed', 'zone', 'sessions',
     'settings': {name: value}                      of all sessions
     'setup':  [step],                               tables, triggers, first rows, plain views
     'imats':  [{'name', 'query', 'how', 'strategy', 'later'}],
     'work':   [transaction]}                        one session; or, for several, a list of rounds of lists

    transaction  {'begin': text or None, 'steps': [step], 'end': 'COMMIT', 'ROLLBACK', 'PREPARE', ...}
    step         {'kind': 'sql', 'text'}             runs in the real schema and in its shadow; 'parts': the statements in it
                 {'kind': 'live', 'text'}            runs in the real one only
                 {'kind': 'insert', 'table', 'columns', 'rows', 'tail'}
                 {'kind': 'update', 'table', 'target', 'columns', 'set': [[column, text]], 'where'}
                 {'kind': 'copy', 'table', 'columns', 'rows'}
                 {'kind': 'read', 'imat', 'how'}     compares what the transaction sees
                 {'kind': 'create', 'imat'}          creates it here
                 {'kind': 'reconnect'}               between transactions
"""

import random
import re

from . import queries
from .queries import Grammar, Relation, column
from .values import LONG, TYPES, ZONES, quote, value

# Types of which one can be set equal to another: what the tables of a scenario that is about joins have first.
JOINED_TYPES = [['int4', 'int8', 'int2'], ['int4', 'int8', 'numeric', 'numeric(8,2)'], ['int8', 'float8', 'int4'],
                ['text', 'varchar(8)', 'citext'], ['citext', 'int8', 'text', 'int4'], ['date', 'timestamp', 'int4'], ['uuid', 'int4', 'text']]
TRUST = 'pg_imat.trust_foreign_keys'

READS = ['select', 'select', 'select', 'cursor', 'function', 'join', 'prepared']
# Every IMAT of the schema is computed anew, but for large ones: that may be asked for by each row. (The shadow has none.)
ANEW = "CREATE FUNCTION anew() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM imat.refresh(r.imat) FROM (SELECT r.imat FROM imat.registered r " \
       "JOIN pg_class c ON c.oid = r.imat WHERE c.relnamespace = current_schema()::regnamespace ORDER BY c.relname OFFSET 0) r " \
       "WHERE pg_relation_size(r.imat) < 200000; RETURN 0; END$$"
MOODS = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"


def render(step):
    if step['kind'] in ('sql', 'live'):
        return step['text']
    if step['kind'] == 'insert':
        return 'INSERT INTO %s (%s) VALUES %s%s' % (
            step['table'], ', '.join(step['columns']),
            ', '.join('(%s)' % ', '.join(quote(v) for v in row) for row in step['rows']), step['tail'])
    if step['kind'] == 'update':
        return 'UPDATE %s SET %s WHERE %s' % (step['target'], assigned(step['set']), step['where'])
    return None


def assigned(assignments):
    return ', '.join('%s = %s' % (name, text) for name, text in assignments)


def copy_lines(step):
    def field(v):
        return '\\N' if v is None else v.replace('\\', '\\\\').replace('\t', '\\t').replace('\n', '\\n')
    return ''.join('\t'.join(field(v) for v in row) + '\n' for row in step['rows'])


class Table:
    def __init__(self, name, columns):
        self.name = name
        self.columns = columns      # name, type; the first is id
        self.targets = [c['name'] for c in columns]  # what INSERT fills
        self.unique = False
        self.partitioned = False
        self.bounds = []            # of its partitions
        self.unlogged = False
        self.inherited = False      # has a child, which is addressed by its name now and then
        self.parent = None
        self.extra = 0
        self.kids = []              # inheritance children that have come with rows, and may be gone by now
        self.away = None            # the number of a partition that was detached concurrently


class Maker:
    def __init__(self, seed, sessions=1, version=150000, citext=False):
        self.rng = random.Random(seed)
        self.types = [t for t in TYPES if t != 'citext' or citext]
        self.joins = self.rng.random() < 0.35  # is it about joins?
        self.joined_types = [t for t in self.rng.choice(JOINED_TYPES) if t in self.types]
        self.settings = {}
        self.seed = seed
        self.sessions = sessions
        self.only_delta = sessions > 1 and seed % 3 == 0
        self.optional = self.rng.choice([0.1, 0.1, 0.1, 0.4 if self.joins else 0.85])  # how many views have outer joins, or subqueries in WHERE
        self.version = version
        self.next_id = 1
        self.tables = []
        self.relations = []
        self.setup = []
        self.imats = []
        self.unsteady = False
        self.setting_up = True
        self.mine = None           # the session whose rows may be changed
        self.reads_allowed = True
        self.may_lack_partitions = True
        self.dumped = False        # is it dumped and restored on the way?
        self.shifts = 0
        self.ddl = sessions > 1 and seed % 16 < 5  # does a session change tables while others write?

    # --- tables ---------------------------------------------------------------------------------

    def sql(self, text):
        return {'kind': 'sql', 'text': text}

    def make_table(self, number):
        rng = self.rng
        name = 't%d' % number
        table = Table(name, [column('id', 'int4')])
        for n in range(rng.randint(2, 6)):
            table.columns.append(column('c%d' % (n + 1), rng.choice(self.joined_types if self.joins and n < 2 else self.types)))
        table.targets = [c['name'] for c in table.columns]
        table.unique = rng.random() < 0.6
        table.partitioned = rng.random() < 0.2
        not_null = {c['name'] for c in table.columns[1:] if rng.random() < 0.3}
        table.not_null = not_null
        dropped = rng.random() < 0.15
        parts = []
        for n, c in enumerate(table.columns):
            if n == 1 and dropped:
                parts.append('gone text')
            text = '%s %s' % (c['name'], c['type'])
            if c['name'] in not_null:
                text += ' NOT NULL'
            if n > 0 and rng.random() < 0.1:
                text += ' DEFAULT ' + quote(value(rng, c['type'], 0))
            parts.append(text)
        ints = [c for c in table.columns[1:] if TYPES[c['type']].family == 'int']
        if ints and rng.random() < 0.12:
            table.columns.append(column('g1', 'int8'))
            parts.append('g1 int8 GENERATED ALWAYS AS (%s::int8 * 2 %% 7) STORED' % rng.choice(ints)['name'])
        referenced = [t for t in self.tables if t.unique and not t.partitioned and not t.inherited and not t.unlogged]
        if referenced and rng.random() < (0.7 if self.joins else 0.3 if self.sessions == 1 else 0):
            table.parent = rng.choice(referenced)
            table.columns.append(column('parent', 'int4'))
            table.targets.append('parent')
            parts.append('parent int4 REFERENCES %s (id)%s%s%s' % (
                table.parent.name, rng.choice([' ON DELETE CASCADE', ' ON DELETE SET NULL', '']), rng.choice([' ON UPDATE CASCADE', ' ON UPDATE CASCADE', '']),
                rng.choice(['', '', ' DEFERRABLE INITIALLY DEFERRED'])))
        if table.unique:
            parts.append('PRIMARY KEY (id)' if rng.random() < 0.8 or table.partitioned else 'UNIQUE (id)')
        table.unlogged = rng.random() < 0.03 and not table.partitioned and not table.parent
        self.setup.append(self.sql('CREATE %sTABLE %s (%s)%s' % (
            'UNLOGGED ' if table.unlogged else '', name,
            ', '.join(parts),
            ' PARTITION BY ' + rng.choice(['HASH (id)', 'RANGE (id)']) if table.partitioned else '')))
        if table.partitioned:
            if 'HASH' in self.setup[-1]['text']:
                table.bounds = ['WITH (MODULUS 3, REMAINDER %d)' % n for n in range(3)]
            else:
                table.bounds = ['FROM (MINVALUE) TO (20)', 'FROM (20) TO (40)', 'FROM (40) TO (MAXVALUE)']
            for n, bounds in enumerate(table.bounds):
                deeper = n == 1 and rng.random() < 0.3
                self.setup.append(self.sql('CREATE TABLE %s_p%d PARTITION OF %s FOR VALUES %s%s' % (
                    name, n, name, bounds, ' PARTITION BY HASH (id)' if deeper else '')))
                for m in range(2 if deeper else 0):
                    self.setup.append(self.sql('CREATE TABLE %s_p%d%s PARTITION OF %s_p%d FOR VALUES WITH (MODULUS 2, REMAINDER %d)'
                                               % (name, n, 'ab'[m], name, n, m)))
        elif rng.random() < (0.02 if self.joins else 0.08):
            table.inherited = True
            self.setup.append(self.sql('CREATE TABLE %s_c () INHERITS (%s)' % (name, name)))
        if dropped:
            self.setup.append(self.sql('ALTER TABLE %s DROP COLUMN gone' % name))
        if rng.random() < 0.2:
            self.setup.append(self.sql('CREATE INDEX ON %s (%s)' % (name, rng.choice(table.columns)['name'])))
        self.tables.append(table)
        return table

    def add_trigger(self):
        rng = self.rng
        a, b = rng.choice(self.tables), rng.choice(self.tables)
        kind = rng.randrange(3)
        if kind == 0 and a is not b and not b.unique and not b.parent and not getattr(b, 'not_null', None):
            self.setup.append(self.sql(
                'CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO %s (id) VALUES '
                '(coalesce(NEW.id, OLD.id)); RETURN NULL; END$$' % b.name))
            self.setup.append(self.sql(
                'CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION note()' % a.name))
        elif kind == 1:
            self.setup.append(self.sql(
                'CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.id % 7 = 3 THEN '
                'RETURN NULL; END IF; RETURN NEW; END$$'))
            self.setup.append(self.sql(
                'CREATE TRIGGER skip BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION skip()' % a.name))
        elif not a.partitioned:
            self.setup.append(self.sql(
                'CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF pg_trigger_depth() < 2 THEN '
                'DELETE FROM %s WHERE id %% 11 = 5; END IF; RETURN NULL; END$$' % a.name))
            self.setup.append(self.sql(
                'CREATE TRIGGER more AFTER UPDATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION more()' % a.name))

    def plain_view(self, number):
        """A view that filters and projects."""
        rng = self.rng
        base = rng.choice(self.relations)
        kept = [c for c in base.columns if rng.random() < 0.8] or base.columns[:1]
        grammar = Grammar(rng, dumped=self.dumped)
        name = 'v%d' % number
        where = ' WHERE ' + grammar.predicate(base) if rng.random() < 0.5 else ''
        self.setup.append(self.sql('CREATE VIEW %s AS SELECT %s FROM %s%s' % (
            name, ', '.join(c['name'] for c in kept), base.name, where)))
        self.relations.append(Relation(name, kept))

    def alone(self):
        """Tables without their children and partitions, which some have and others may be given."""
        return [Relation('ONLY ' + t.name, list(t.columns), t.unique, True) for t in self.tables
                if self.rng.random() < (0.7 if t.inherited else 0.2 if t.partitioned else 0.03)]

    def make_imat(self, number):
        rng = self.rng
        grammar = Grammar(rng, version=self.version, dumped=self.dumped)
        usable = [r for r in self.relations if r.columns]
        delta = rng.random() < 0.75
        risky = rng.random() < 0.15
        source = (grammar.joined(usable) if rng.random() < (0.85 if self.joins else 0.3) else None) or rng.choice(usable)
        bag = rng.random() < 0.3
        alone = self.alone()
        only = bool(alone) and not self.only_delta and rng.random() < 0.3
        if only:
            delta, source = False, rng.choice(alone)
            grammar.failing_keys = risky
        optional = not self.only_delta and rng.random() < self.optional
        if optional:
            delta, source, bag = False, grammar.optional(usable + alone), rng.random() < 0.5
        query = (grammar.rows(source) if bag and (delta or optional or only) else
                 grammar.group(source, risky and delta) if delta or optional or only else grammar.other(usable + alone))
        self.unsteady = self.unsteady or grammar.unsteady
        name = 'i%d' % number
        imat = {'name': name, 'query': query, 'strategy': 'swap' if rng.random() < 0.1 else 'auto',
                'how': rng.choice(['create', 'convert', 'convert', 'convert', 'nodata', 'indexed', 'moved']),
                'later': self.sessions == 1 and rng.random() < 0.12, 'meant': delta, 'joined': delta and source.joined}
        if imat['how'] == 'create' and rng.random() < 0.3:
            # these need all rows of a group
            several = query.get('sets') and re.search(r'DISTINCT|\b(min|max|any_value)@?\(', queries.render(query))
            imat['strategy'] = 'delta' if delta and rng.random() < 0.3 and not risky and not several else imat['strategy']
        if self.only_delta and (not delta or imat['strategy'] == 'swap'):
            return
        self.imats.append(imat)
        if not (bag and source.joined) or rng.random() < 0.2:  # joins of joins grow very large
            self.relations.append(Relation(name, queries.columns_of(query)))
        if rng.random() < 0.25 and not self.only_delta:
            twin = dict(imat, name=name + 'b', how='create', strategy='swap' if imat['strategy'] != 'swap' else 'auto')
            self.imats.append(twin)

    # --- statements -----------------------------------------------------------------------------

    def row(self, table, fresh=True):
        rng = self.rng
        row = []
        for name in table.targets:
            c = next(c for c in table.columns if c['name'] == name)
            if name == 'id':
                if not fresh or rng.random() < (0.02 if table.unique else 0.2):
                    row.append(str(self.own(rng.randint(1, max(1, self.next_id)))))
                else:
                    row.append(str(self.own(self.next_id)))
                self.next_id += 1
            elif name == 'parent':
                row.append(None if rng.random() < 0.4 or self.setting_up else str(self.own(rng.randint(1, max(1, self.next_id // 2)))))
            else:
                nulls = 0.15 if name not in table.not_null else 0 if self.setting_up else 0.005
                row.append(value(rng, c['type'], nulls, self.few(name)))
        return row

    def few(self, name):
        """How many values of a column are to be those that others have?"""
        return 0.8 if self.joins and name in ('c1', 'c2') else 0

    def own(self, number):
        """An id that only this session uses."""
        return number if self.mine is None else number * self.sessions + self.mine

    def rows_of(self, table):
        """A condition that picks rows."""
        rng = self.rng
        kind = rng.randrange(9)
        if kind < 3:
            text = 'id = %d' % self.own(rng.randint(1, max(1, self.next_id)))
        elif kind < 5:
            low = rng.randint(1, max(1, self.next_id))
            text = 'id BETWEEN %d AND %d' % (self.own(low), self.own(low + rng.randint(1, 10)))
        elif kind == 5:
            text = 'id %% %d = 0' % rng.randint(2, 6)
        elif kind < 8:
            c = rng.choice(table.columns)
            v = value(rng, c['type'], 0.1)
            text = '%s IS NULL' % c['name'] if v is None else '%s %s %s' % (
                c['name'], rng.choice(['=', '=', '<', '>']), quote(v))
        else:
            text = 'true'
        return text if self.mine is None else '(%s) AND id %% %d = %d' % (text, self.sessions, self.mine)

    def shift(self, usual):
        """
        By how much ids grow. Which rows are in the way of which depends on where they lie, which a dump changes: there they
        move to where none are.
        """
        if not self.dumped:
            return usual
        self.shifts += 1
        return 1000000 * self.shifts

    def assignment(self, table):
        return assigned(self.assignments(table))

    def assignments(self, table):
        rng = self.rng
        parts = []
        candidates = [c for c in table.columns if c['name'] in table.targets]
        for c in rng.sample(candidates, min(len(candidates), rng.choice([1, 1, 2]))):
            family = TYPES[c['type']].family
            name = c['name']
            if name == 'id':
                if self.mine is not None:
                    text = 'id'
                else:
                    text = rng.choice(['id + %d' % self.shift(1000), 'id', 'id + %d' % self.shift(1), 'id + %d' % self.shift(3)])
            elif name == 'parent':
                text = rng.choice(['NULL', 'parent', str(self.own(rng.randint(1, max(1, self.next_id))))])
            elif family in ('int', 'numeric', 'float', 'money') and rng.random() < 0.4:
                text = name + (" + '1'" if family == 'money' else rng.choice([' + 1', ' - 1', ' * 2', '']))
            elif rng.random() < 0.05:
                text = 'DEFAULT'
            else:
                text = quote(value(rng, c['type'], 0.005 if name in table.not_null else 0.15, self.few(name)))
            parts.append([name, text])
        return parts

    def dml_target(self, table):
        if table.partitioned and self.rng.random() < 0.2:
            return table.name + '_p%d' % self.rng.randrange(3)
        if table.inherited and self.rng.random() < 0.3:
            return table.name + '_c'
        return ('ONLY ' if table.inherited and self.rng.random() < 0.1 else '') + table.name

    def simple_dml(self):
        """One INSERT, UPDATE or DELETE: a step."""
        rng = self.rng
        table = rng.choice(self.tables)
        kind = rng.randrange(10)
        if kind < 5:
            rows = [self.row(table) for _ in range(rng.choice([1, 1, 1, 2, 3, 5, 8]))]
            name = table.name + ('_c' if table.inherited and rng.random() < 0.4 else '')
            return {'kind': 'insert', 'table': name, 'columns': table.targets, 'rows': rows, 'tail': ''}
        if kind < 8:
            return {'kind': 'update', 'table': table.name, 'target': self.dml_target(table), 'columns': table.targets,
                    'set': self.assignments(table), 'where': self.rows_of(table)}
        return self.sql('DELETE FROM %s WHERE %s' % (self.dml_target(table), self.rows_of(table)))

    def from_series(self, table, count):
        """INSERT ... SELECT of many rows."""
        rng = self.rng
        parts = []
        for name in table.targets:
            c = next(c for c in table.columns if c['name'] == name)
            if name == 'id':
                parts.append('g' if self.mine is None else 'g * %d + %d' % (self.sessions, self.mine))
            elif name == 'parent':
                parts.append(self.some_parent(table))
            elif TYPES[c['type']].family == 'int' and rng.random() < 0.5:
                parts.append('g %% %d' % rng.choice([3, 50, 5000]))
            else:
                pool = [value(rng, c['type'], 0 if name in table.not_null else 0.15, self.few(name)) for _ in range(rng.randint(2, 9))]
                parts.append('(ARRAY[%s]::%s[])[1 + g * %d %% %d]' % (
                    ', '.join(quote(v) for v in pool), c['type'], rng.choice([1, 7, 13]), len(pool)))
        start = self.next_id
        self.next_id += count
        return self.sql('INSERT INTO %s (%s) SELECT %s FROM generate_series(%d, %d) g' % (
            table.name, ', '.join(table.targets), ', '.join(parts), start, start + count - 1))

    def some_parent(self, table):
        """The row before that with the number g, of those that may be referenced; sessions reference rows of their own only."""
        if not self.joins:
            return 'NULL'
        mine = '' if self.sessions == 1 else ' AND p.id %% %d = %s' % (
            self.sessions, self.mine if self.mine is not None else 'g %% %d' % self.sessions)
        return 'CASE WHEN g %% 4 > 0 THEN (SELECT max(p.id) FROM %s p WHERE p.id %% 50 <= g %% 50%s) END' % (table.parent.name, mine)

    def statement(self):
        """A step that writes."""
        rng = self.rng
        table = rng.choice(self.tables)
        if table.kids and self.mine is None and rng.random() < 0.1:
            return self.child_ddl(table)
        kind = rng.randrange(40)
        if kind < 22:
            return self.simple_dml()
        if kind < 24:
            if table.unique:
                assign = rng.choice(['NOTHING', 'UPDATE SET ' + self.on_conflict(table)])
                return {'kind': 'insert', 'table': table.name, 'columns': table.targets,
                        'rows': self.different_rows(table), 'tail': ' ON CONFLICT (id) DO ' + assign}
            return self.simple_dml()
        if kind < 27:
            return {'kind': 'copy', 'table': table.name, 'columns': table.targets,
                    'rows': [self.row(table) for _ in range(rng.choice([1, 3, 10]))]}
        if kind < 29 and self.version >= 150000:
            return self.merge(table)
        if kind < 30:
            made = self.from_series(table, rng.choice([10, 40, 60 if self.joins else 200]))
            if self.may_refresh() and rng.random() < 0.15:
                made['text'] += ' WHERE g %% %d <> 0 OR anew() = 0' % rng.choice([6, 10, 30])
            return made
        if kind < 31 and self.mine is None and not any(t.parent is table for t in self.tables):
            names = [table.name]
            other = rng.choice(self.tables)
            if other is not table and not any(t.parent is other for t in self.tables) and rng.random() < 0.3:
                names.append(other.name)
            return self.sql('TRUNCATE ' + ', '.join(names))
        if kind == 30 and self.mine is None:
            return self.sql('TRUNCATE %s CASCADE' % table.name)
        if kind < 33:
            return self.writable_cte(table)
        if kind < 35:
            return self.exception_block()
        if kind < 37 and self.mine is None:
            return self.followed_ddl(table) if rng.random() < 0.75 else self.harmless_ddl(table)
        if kind == 35:
            return self.exception_block()
        if kind == 37 and rng.random() < 0.6:
            return rng.choice([self.row_by_row, self.calls] + [self.refreshes] * self.may_refresh() if self.reads_allowed
                              else [self.row_by_row])(table)
        if kind < 38:
            return self.sql(rng.choice([
                'UPDATE %s SET id = id WHERE false' % table.name, 'DELETE FROM %s WHERE false' % table.name,
                'INSERT INTO %s SELECT * FROM %s WHERE false' % (table.name, table.name)
                if 'g1' not in [c['name'] for c in table.columns] else 'DELETE FROM %s WHERE false' % table.name]))
        if kind < 39 and len(self.tables) > 1:
            return self.plpgsql([self.statement_text(), self.statement_text(), self.statement_text()])
        return self.simple_dml()

    def on_conflict(self, table):
        others = [n for n in table.targets if n not in ('id', 'parent')]
        names = self.rng.sample(others, 1)
        return ', '.join('%s = EXCLUDED.%s' % (n, n) for n in names)

    def different_rows(self, table):
        rows, seen = [], set()
        for _ in range(self.rng.choice([1, 2, 4])):
            row = self.row(table, fresh=self.rng.random() < 0.5)
            if row[0] not in seen:
                seen.add(row[0])
                rows.append(row)
        return rows

    def merge(self, table):
        rng = self.rng
        rows = self.different_rows(table)
        types = {c['name']: c['type'] for c in table.columns}
        values = ', '.join('(%s)' % ', '.join('%s::%s' % (quote(v), types[n]) for v, n in zip(row, table.targets))
                           for row in rows)
        others = [n for n in table.targets if n not in ('id', 'parent')]
        name = rng.choice(others)
        matched = rng.choice(['UPDATE SET %s = s.%s' % (name, name), 'DELETE', 'DO NOTHING'])
        more = rng.choice(['', ' AND t.id %% %d = 0' % rng.randint(2, 3)])
        gone = ''
        if self.version >= 170000 and self.mine is None and rng.random() < 0.3:
            gone = ' WHEN NOT MATCHED BY SOURCE AND t.id %% %d = 0 THEN %s' % (
                rng.randint(2, 4), rng.choice(['DELETE', 'UPDATE SET %s = t.%s' % (name, name)]))
        return self.sql('MERGE INTO %s t USING (VALUES %s) s (%s) ON t.id = s.id WHEN MATCHED%s THEN %s '
                        'WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)' % (
                            table.name, values, ', '.join(table.targets), more, matched, ', '.join(table.targets),
                            ', '.join('s.' + n for n in table.targets)) + gone)

    def writable_cte(self, table):
        rng = self.rng
        other = rng.choice(self.tables)
        kind = rng.randrange(3)
        names = [n for n in table.targets if n not in ('id', 'parent')]
        if kind == 0:
            shift = self.shift(100000 if self.mine is None else 100000 * self.sessions)
            return self.sql('WITH d AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s (id, %s) SELECT id + %d, %s FROM d'
                            % (table.name, self.rows_of(table), table.name, ', '.join(names), shift, ', '.join(names)))
        if kind == 1 and other is not table:
            first = render({'kind': 'insert', 'table': table.name, 'columns': table.targets, 'rows': [self.row(table)],
                            'tail': ''})
            return self.sql('WITH a AS (%s RETURNING id) UPDATE %s SET %s WHERE %s' % (
                first, other.name, self.assignment(other), self.rows_of(other)))
        what = 'count(*)'
        if self.may_refresh() and rng.random() < 0.4:
            what += ', sum(CASE WHEN id % 4 = 1 THEN anew() END)'
        return self.sql('WITH u AS (UPDATE %s SET %s WHERE %s RETURNING id) SELECT %s FROM u' % (
            table.name, self.assignment(table), self.rows_of(table), what))

    def statement_text(self):
        return render(self.simple_dml())

    def several(self, statements):
        return dict(self.sql('; '.join(statements)), parts=statements)

    def plpgsql(self, statements):
        return dict(self.sql('DO $do$ BEGIN %s; END $do$' % '; '.join(statements)), parts=statements)

    def row_by_row(self, table):
        """A loop over a table that changes it, while the query that drives the loop is not at its end."""
        return self.sql('DO $do$ DECLARE r record; BEGIN FOR r IN SELECT id FROM %s WHERE %s ORDER BY id LIMIT 5 LOOP '
                        'UPDATE %s SET %s WHERE id = r.id; END LOOP; END $do$' % (
                            table.name, self.rows_of(table), table.name, self.assignment(table)))

    def calls(self, table):
        """A query that writes, by a function in it."""
        return self.sql('CREATE OR REPLACE FUNCTION pg_temp.w(int) RETURNS bigint LANGUAGE sql AS $$WITH u AS (UPDATE %s SET %s '
                        'WHERE id = $1 RETURNING 1) SELECT count(*) FROM u$$; SELECT pg_temp.w(g) FROM generate_series(%d, %d) g' % (
                            table.name, self.assignment(table), *self.few_ids()))

    def may_refresh(self):
        """Others that read or write would wait for it, and it for them."""
        return self.sessions == 1

    def refreshes(self, table):
        """Tables are computed anew while a statement has changed some of its rows."""
        rng = self.rng
        now = '(id %% %d <> 1 OR anew() = 0)' % rng.choice([2, 4, 7])
        kind = rng.randrange(4)
        if kind == 0:
            return self.sql('DELETE FROM %s WHERE %s AND %s' % (self.dml_target(table), self.rows_of(table), now))
        if kind == 1:
            low, high = self.few_ids()
            return self.sql('SELECT pg_temp.w(g), anew() FROM generate_series(%d, %d) g' % (low, high) if rng.random() < 0.5 else
                            'SELECT anew() FROM %s WHERE %s LIMIT 1' % (table.name, self.rows_of(table)))
        return self.sql('UPDATE %s SET %s WHERE %s AND %s' % (self.dml_target(table), self.assignment(table), self.rows_of(table), now))

    def few_ids(self):
        low = self.rng.randint(1, max(1, self.next_id))
        return (low, low + 2) if self.mine is None else (self.own(low), self.own(low))

    def exception_block(self):
        rng = self.rng
        inner = [self.statement_text() for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.7:
            inner.append('PERFORM 1 / 0')
        return self.sql('DO $do$ BEGIN %s; BEGIN %s; EXCEPTION WHEN OTHERS THEN %s; END; %s; END $do$' % (
            self.statement_text(), '; '.join(inner), rng.choice(['NULL', self.statement_text()]),
            self.statement_text()))

    def reattach(self, table):
        """Rows leave the table and come back, other ones now, by DDL."""
        n = self.rng.randrange(3)
        part = '%s_p%d' % (table.name, n)
        return self.sql('ALTER TABLE %s DETACH PARTITION %s; DELETE FROM %s WHERE id %% 3 = 1; '
                        'ALTER TABLE %s ATTACH PARTITION %s FOR VALUES %s' % (table.name, part, part, table.name, part, table.bounds[n]))

    def partition_ddl(self, table):
        """Partitions come and go with their rows."""
        rng = self.rng
        n = rng.randrange(3)
        part = '%s_p%d' % (table.name, n)
        draw = rng.random()
        if draw < 0.6:
            return self.reattach(table)
        if draw < 0.8:
            return self.sql('TRUNCATE ' + part)
        return self.sql('DROP TABLE %s; CREATE TABLE %s PARTITION OF %s FOR VALUES %s' % (part, part, table.name, table.bounds[n]))

    def detach_concurrently(self, table):
        """A statement by itself; the partition comes back with the next one."""
        if table.away is not None:
            n, table.away = table.away, None
            return self.sql('ALTER TABLE %s ATTACH PARTITION %s_p%d FOR VALUES %s' % (table.name, table.name, n, table.bounds[n]))
        table.away = self.rng.randrange(3)
        return self.sql('ALTER TABLE %s DETACH PARTITION %s_p%d CONCURRENTLY' % (table.name, table.name, table.away))

    def may_have_kids(self, table):
        return not table.partitioned and not table.parent and not any(t.parent is table for t in self.tables)

    def child_ddl(self, table):
        """Inheritance children come and go with their rows."""
        rng = self.rng
        if table.kids and rng.random() < 0.75:
            kid = rng.choice(table.kids)
            return self.sql(rng.choice(['ALTER TABLE %s NO INHERIT ' + table.name, 'ALTER TABLE %s INHERIT ' + table.name, 'DROP TABLE %s',
                                        'ALTER TABLE %s NO INHERIT ' + table.name + '; ALTER TABLE %s INHERIT ' + table.name,
                                        'UPDATE %%s SET id = id + %d' % self.shift(1000), 'DELETE FROM %s WHERE id %% 2 = 0',
                                        self.copied('%s', table) + ' WHERE id %% 4 = 1']).replace('%s', kid).replace('%%', '%'))
        table.extra += 1
        kid = '%s_k%d' % (table.name, table.extra)
        table.kids.append(kid)
        rows = '%s WHERE id %% %d = 0' % (self.copied(kid, table), rng.choice([1, 2, 3]))
        like = 'CREATE TABLE %s (LIKE %s INCLUDING ALL); %s; ' % (kid, table.name, rows)
        inherit = 'ALTER TABLE %s INHERIT %s' % (kid, table.name)
        kind = rng.randrange(4)
        if kind == 0:  # with keys of its own
            return self.sql(like + 'UPDATE %s SET id = id + %d; ' % (kid, table.extra * 1000000) + inherit)
        if kind == 1:  # with keys that the table has, too
            return self.sql(like + inherit)
        made = 'CREATE TABLE %s () INHERITS (%s)' % (kid, table.name)
        return self.sql(made + '; ' + rows if kind == 2 else made)

    @staticmethod
    def copied(kid, table):
        """Rows of the table itself, once more."""
        targets = ', '.join(table.targets)
        return 'INSERT INTO %s (%s) SELECT %s FROM ONLY %s' % (kid, targets, targets, table.name)

    def nullness(self, table):
        """NOT NULL comes or goes, of a column whose NULLs have been filled, or not."""
        rng = self.rng
        c = rng.choice([c for c in table.columns[1:] if c['name'] in table.targets and c['name'] != 'parent'])
        name = c['name']
        target = table.name + ('_p%d' % rng.randrange(3) if table.partitioned and rng.random() < 0.15 else '')
        change = 'ALTER TABLE %s ALTER %s %%s NOT NULL' % (target, name)
        if name in table.not_null and rng.random() < 0.85:
            table.not_null.discard(name)
            return self.sql(change % 'DROP')
        table.not_null.add(name)
        made = change % 'SET'
        if self.version >= 180000 and rng.random() < 0.25:
            made = 'ALTER TABLE %s ADD CONSTRAINT full_%s NOT NULL %s NOT VALID' % (target, name, name)
            if rng.random() < 0.5:
                made += '; ALTER TABLE %s VALIDATE CONSTRAINT full_%s' % (target, name)
        if rng.random() < 0.85:
            made = 'UPDATE %s SET %s = %s WHERE %s IS NULL; ' % (target, name, quote(value(rng, c['type'], 0)), name) + made
        if rng.random() < 0.15:
            made += '; ' + change % 'DROP'
        return self.sql(made)

    def as_replica(self, table):
        """What a worker of logical replication does: neither cascades nor triggers fire."""
        writes = '; '.join(self.statement_text() for _ in range(self.rng.randint(1, 2)))
        if self.dumped:  # rows whose foreign keys are violated can't be restored
            writes += '; SET LOCAL session_replication_role = origin' + ''.join(
                '; DELETE FROM %s%s t WHERE parent IS NOT NULL AND NOT EXISTS (SELECT FROM %s p WHERE p.id = t.parent)' % (
                    '' if t.partitioned else 'ONLY ', t.name, t.parent.name) for t in self.tables if t.parent)
        return self.sql("SELECT set_config('session_replication_role', 'replica', true); %s; SET LOCAL session_replication_role = origin" % writes)

    def renaming(self, table):
        """The table goes by another name, in another schema, with other names of columns, and is written so."""
        rng = self.rng
        kind = rng.randrange(3)
        if kind == 0:
            name = rng.choice(table.columns)['name']
            return self.sql('ALTER TABLE %s RENAME COLUMN %s TO renamed; DELETE FROM %s WHERE id %% 5 = 1; ALTER TABLE %s RENAME COLUMN renamed TO %s' % (
                table.name, name, table.name, table.name, name) if name != 'id' else 'ANALYZE ' + table.name)
        if kind == 1:
            return self.sql('ALTER TABLE %s RENAME TO renamed; UPDATE renamed SET id = id WHERE id %% 2 = 1; ALTER TABLE renamed RENAME TO %s' % (
                table.name, table.name))
        return self.sql("DO $do$ DECLARE here text := current_schema; BEGIN EXECUTE format('CREATE SCHEMA IF NOT EXISTS %%I', here || '_aside'); "
                        "EXECUTE format('ALTER TABLE %s SET SCHEMA %%I', here || '_aside'); "
                        "EXECUTE format('DELETE FROM %%I.%s WHERE id %%%% 4 = 1', here || '_aside'); "
                        "EXECUTE format('ALTER TABLE %%I.%s SET SCHEMA %%I', here || '_aside', here); END $do$" % (
                            table.name, table.name, table.name))

    def followed_ddl(self, table):
        rng = self.rng
        if rng.random() < 0.3:
            return self.nullness(table)
        if table.partitioned and rng.random() < 0.7:
            return self.partition_ddl(table)
        if self.may_have_kids(table) and rng.random() < 0.45:
            return self.child_ddl(table)
        if rng.random() < 0.4 and not self.settings.get(TRUST):
            return self.as_replica(table)
        return self.renaming(table)

    def harmless_ddl(self, table):
        rng = self.rng
        table.extra += 1
        name = 'x%d' % table.extra
        return self.sql(rng.choice([
            'CREATE INDEX ON %s (%s)' % (table.name, rng.choice(table.columns)['name']),
            'ANALYZE %s' % table.name,
            "ALTER TABLE %s ADD COLUMN %s int DEFAULT %d" % (table.name, name, rng.randint(0, 9)),
            "ALTER TABLE %s ADD COLUMN %s text; ALTER TABLE %s DROP COLUMN %s" % (table.name, name, table.name, name),
            "COMMENT ON TABLE %s IS 'a table'" % table.name,
            "ALTER TABLE %s ADD COLUMN %s text DEFAULT clock_timestamp()::text" % (table.name, name),
            'CREATE TEMP TABLE IF NOT EXISTS scratch (a int)',
            'CREATE INDEX again_%s%d ON %s (id); CLUSTER %s USING again_%s%d' % (table.name, table.extra, table.name, table.name, table.name, table.extra)
            if not table.partitioned else 'ANALYZE %s' % table.name,
        ]))

    def setting(self):
        rng = self.rng
        local = rng.choice(['', 'LOCAL '])
        return self.sql("SET %sTimeZone = '%s'" % (local, rng.choice(ZONES))) if rng.random() < 0.4 or not self.reads_allowed else \
            {'kind': 'live', 'text': rng.choice([
                "SET %spg_imat.flush = '%s'" % (local, rng.choice(['statement', 'commit', 'commit'])),
                "SET %spg_imat.pending_memory = '%s'" % (local, rng.choice(['64kB', '64kB', '64MB']))])}

    def read(self):
        rng = self.rng
        imat = rng.choice(self.imats)['name']
        if rng.random() < 0.75 or self.mine is not None:
            return {'kind': 'read', 'imat': imat,
                    'how': rng.choice(READS)}
        kind = rng.randrange(5)
        live = {'kind': 'live', 'text': ''}
        if kind == 0:
            live['text'] = "SELECT imat.refresh('%s')" % imat
        elif kind == 1:
            live['text'] = "SELECT imat.alter('%s', strategy => '%s')" % (imat, rng.choice(['auto', 'swap', 'auto']))
        elif kind == 2:
            live['text'] = 'SELECT imat.verify(\'%s\')' % imat
        elif kind == 3:
            live['text'] = 'LOCK TABLE %s IN ACCESS SHARE MODE' % imat
        elif self.unsteady:
            live['text'] = 'SELECT count(*) FROM %s' % imat
        else:
            table = rng.choice(self.tables)
            return self.sql('UPDATE %s SET id = id WHERE id < (SELECT count(*) FROM %s)' % (table.name, imat))
        return live

    def error(self):
        table = self.rng.choice(self.tables)
        return self.sql(self.rng.choice([
            'SELECT 1 / 0', "INSERT INTO %s (id) VALUES ('x')" % table.name,
            'UPDATE %s SET id = 1 / (id - id) WHERE %s' % (table.name, self.rows_of(table)),
            'SELECT * FROM nowhere', "DO $do$ BEGIN %s; RAISE EXCEPTION 'no'; END $do$" % self.statement_text()]))

    # --- transactions -----------------------------------------------------------------------------

    def transaction(self):
        rng = self.rng
        steps = []
        kind = rng.randrange(20)
        if kind < 5:
            return {'begin': None, 'steps': [self.statement()], 'end': None}
        parted = [t for t in self.tables if t.partitioned]
        if kind == 5 and self.mine is None and parted and rng.random() < 0.5:
            change = rng.choice([self.reattach, self.detach_concurrently] if self.version >= 140000 and self.may_lack_partitions else [self.reattach])
            return {'begin': None, 'steps': [change(rng.choice(parted))], 'end': None}
        if kind == 5 and self.mine is None:
            text = rng.choice([
                'VACUUM %s', 'VACUUM FULL %s', 'ANALYZE %s', 'REINDEX TABLE %s']) % rng.choice(self.tables).name
            return {'begin': None, 'steps': [self.sql(text)], 'end': None}
        if kind == 6 and self.mine is None:
            return {'begin': None, 'end': None, 'steps': [self.several([self.statement_text() for _ in range(3)])]}
        if kind == 7 and self.mine is None:
            parts = [self.statement_text() for _ in range(4)]
            parts.insert(rng.randint(1, 3), rng.choice(['COMMIT', 'COMMIT', 'ROLLBACK']))
            return {'begin': None, 'steps': [self.plpgsql(parts)], 'end': None}
        if kind == 8 and self.mine is None:
            text = rng.choice(['VACUUM %s', 'VACUUM FULL %s', 'ANALYZE %s', 'REINDEX TABLE %s'])
            return {'begin': None, 'end': None, 'steps': [{'kind': 'live', 'text': text % rng.choice(self.imats)['name']}]}
        if kind == 9 and self.mine is None and rng.random() < 0.6 or kind >= 15 and self.ddl and self.mine:
            return self.around_ddl()
        if self.ddl and self.mine == 0 and kind < 14:
            return {'begin': None, 'steps': [self.shared_ddl()], 'end': None}
        open_points = []
        for _ in range(rng.choice([1, 2, 3, 4, 6, 9])):
            draw = rng.random()
            if draw < 0.62:
                steps.append(self.statement())
            elif draw < 0.70 and self.reads_allowed:
                steps.append(self.read())
            elif draw < 0.80:
                open_points.append('s%d' % rng.randint(1, 3))
                steps.append(self.sql('SAVEPOINT ' + open_points[-1]))
            elif draw < 0.88 and open_points:
                steps.append(self.sql('ROLLBACK TO ' + rng.choice(open_points)))
            elif draw < 0.91 and open_points:
                steps.append(self.sql('RELEASE ' + rng.choice(open_points)))
            elif draw < 0.94:
                steps.append(self.setting())
            elif draw < 0.965:
                steps.append(self.error())
                if open_points and rng.random() < 0.7:
                    steps.append(self.sql('ROLLBACK TO ' + rng.choice(open_points)))
            elif self.mine is None and rng.random() < 0.3:
                steps.append({'kind': 'live', 'text': 'CREATE INDEX ON %s ((1))' % rng.choice(self.imats)['name']})
            else:
                steps.append(self.statement())
        begin = 'BEGIN' + rng.choice(['', '', '', ' ISOLATION LEVEL REPEATABLE READ', ' ISOLATION LEVEL SERIALIZABLE'])
        end = rng.choice(['COMMIT'] * 7 + ['ROLLBACK'] * 2 + (['PREPARE', 'PREPARE ROLLBACK'] if self.mine is None else ['COMMIT']))
        if self.mine is not None:
            end = 'COMMIT' if rng.random() < 0.85 else 'ROLLBACK'
        return {'begin': begin, 'steps': steps, 'end': end}

    def around_ddl(self):
        """A transaction with one snapshot, in which tables change, or while others change them."""
        rng = self.rng
        steps = [self.statement() for _ in range(rng.choice([0, 1, 1, 2]))]
        for _ in range(rng.choice([1, 1, 2]) if self.mine is None else 0):
            steps.append(self.followed_ddl(rng.choice(self.tables)))
            steps += [self.read() for _ in range(rng.choice([0, 1])) if self.reads_allowed]
            steps += [self.statement() for _ in range(rng.choice([0, 1, 1]))]
        if self.mine is not None:  # the snapshot is taken; others go on
            steps = [self.sql('SELECT 1')] + steps + [self.sql('SELECT pg_sleep(0.02)')] + [self.statement() for _ in range(rng.choice([1, 2, 3]))]
        begin = 'BEGIN ISOLATION LEVEL ' + rng.choice(['REPEATABLE READ'] * 3 + ['SERIALIZABLE'])
        return {'begin': begin, 'steps': steps, 'end': rng.choice(['COMMIT'] * 6 + ['ROLLBACK'])}

    def shared_ddl(self):
        """What one session does to tables and IMATs while others write: a statement by itself. Only rows of its own change."""
        rng = self.rng
        table = rng.choice(self.tables)
        here = 'id %% %d = %d' % (self.sessions, self.mine)
        draw = rng.random()
        if draw < 0.25:
            text = rng.choice(["SELECT imat.refresh('%s')", "SELECT imat.alter('%s', strategy => 'swap')", "SELECT imat.alter('%s', strategy => 'auto')",
                               'VACUUM %s', 'CREATE INDEX ON %s ((1))']) % rng.choice(self.imats)['name']
        elif draw < 0.5:
            c = rng.choice([c for c in table.columns[1:] if c['name'] in table.targets and c['name'] != 'parent'])['name']
            text = 'ALTER TABLE %s ALTER %s %s NOT NULL' % (table.name, c, rng.choice(['SET', 'DROP', 'DROP']))
        elif table.partitioned and self.version >= 140000 and rng.random() < 0.4:
            return self.detach_concurrently(table)
        elif table.partitioned:
            n = rng.randrange(3)
            part = '%s_p%d' % (table.name, n)
            text = 'ALTER TABLE %s DETACH PARTITION %s; DELETE FROM %s WHERE id %% 3 = 1 AND %s; ALTER TABLE %s ATTACH PARTITION %s FOR VALUES %s' % (
                table.name, part, part, here, table.name, part, table.bounds[n])
        elif self.may_have_kids(table) and table.kids and rng.random() < 0.6:
            kid = rng.choice(table.kids)
            text = rng.choice(['ALTER TABLE %s NO INHERIT %s', 'ALTER TABLE %s INHERIT %s', 'DROP TABLE %s -- %s']) % (kid, table.name)
        elif self.may_have_kids(table):
            table.extra += 1
            kid = '%s_k%d' % (table.name, table.extra)
            table.kids.append(kid)
            rows = '%s WHERE id %% 2 = 0 AND %s' % (self.copied(kid, table), here)
            text = rng.choice(['CREATE TABLE {0} (LIKE {1} INCLUDING ALL); {2}; ALTER TABLE {0} INHERIT {1}',
                               'CREATE TABLE {0} () INHERITS ({1}); {2}']).format(kid, table.name, rows)
        else:
            text = rng.choice(['CREATE INDEX ON %s (id)', 'ANALYZE %s', 'ALTER TABLE %s ADD COLUMN IF NOT EXISTS more int DEFAULT 1']) % table.name
        return dict(self.sql(text), ddl=True)

    def scenario(self):
        rng = self.rng
        zone = rng.choice(ZONES)
        self.setup.append(self.sql(MOODS))
        if self.may_refresh():
            self.setup.append(self.sql(ANEW))
        for n in range(rng.choice([2, 2, 3] if self.joins else [1, 1, 2, 2, 3])):
            self.make_table(n + 1)
        if any(t.parent for t in self.tables) and rng.random() < 0.6:
            self.settings[TRUST] = 'on'  # nobody writes without foreign keys being checked
        if self.sessions == 1 and rng.random() < 0.15:
            self.add_trigger()
        self.relations = [Relation(t.name, list(t.columns), t.unique, True) for t in self.tables]
        for table in self.tables:
            if self.joins and rng.random() < 0.5:
                self.setup.append(self.from_series(table, rng.choice([8, 20])))
            elif rng.random() < 0.8:
                rows = [self.row(table) for _ in range(rng.choice([1, 5, 12, 25]))]
                self.setup.append({'kind': 'insert', 'table': table.name, 'columns': table.targets, 'rows': rows,
                                   'tail': ' ON CONFLICT DO NOTHING' if table.unique else ''})
        for n in range(rng.choice([0, 0, 0, 1, 2])):
            self.plain_view(n + 1)
        if self.sessions > 1:
            for table in self.tables:
                self.setup.append(self.from_series(table, 30))
        for n in range(rng.choice([1, 2, 3, 4])):
            self.make_imat(n + 1)
        while not self.imats:  # where only what delta maintains is wanted, none of them may have been that
            self.make_imat(len(self.imats) + 1)
        for imat in self.imats:
            for other in self.imats:
                if re.search(r'\b%s\b' % imat['name'], queries.render(other['query'])):
                    imat['later'] = False
        work = []
        self.setting_up = False
        if self.sessions == 1:
            if rng.random() < 0.25:
                work.append(self.first_setting())
            if rng.random() < 0.12:
                work.append(self.reading_trigger())
            if rng.random() < 0.08:
                work.append(self.refreshing_trigger())
            for _ in range(rng.choice([4, 8, 15])):
                if rng.random() < 0.08:
                    work.append({'begin': None, 'steps': [{'kind': 'reconnect'}], 'end': None})
                work.append(self.transaction())
            for imat in self.imats:
                if imat['later']:
                    self.place_creation(work, imat)
        else:
            self.reads_allowed = rng.random() < 0.4
            for _ in range(rng.randint(2, 4)):
                one_round = []
                for n in range(self.sessions):
                    self.mine = n
                    one_round.append([self.transaction() for _ in range(rng.randint(3, 8))])
                work.append(one_round)
        long = LONG in str([self.setup, work])
        for imat in self.imats:
            if long and imat['how'] == 'indexed':  # an owner's index has its limit
                imat['how'] = 'convert'
        return {'seed': self.seed, 'zone': zone, 'sessions': self.sessions, 'reads': self.reads_allowed or self.calls_functions(), 'ddl': self.ddl,
                'long': long, 'settings': self.settings,
                'setup': self.setup, 'imats': self.imats, 'work': work}

    def first_setting(self):
        """For the whole session."""
        text = self.rng.choice(["SET pg_imat.flush = 'statement'", "SET pg_imat.pending_memory = '64kB'"])
        return {'begin': None, 'steps': [{'kind': 'live', 'text': text}], 'end': None}

    def reading_trigger(self):
        """A trigger that looks into IMATs while statements that change sources have not ended."""
        rng = self.rng
        names = [i['name'] for i in self.imats if not i['later']]
        read = ' '.join('PERFORM count(*) FROM (SELECT * FROM %s OFFSET 0) q;' % n for n in names)
        event = rng.choice(['INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE'])
        # of many rows some do: a table that is swapped costs its query each time
        seldom = "IF TG_LEVEL = 'ROW' THEN IF coalesce(NEW.id, OLD.id) % 8 <> 0 THEN RETURN NULL; END IF; END IF;"
        return {'begin': 'BEGIN', 'end': 'COMMIT', 'steps': [
            self.sql('CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN %s %s RETURN NULL; END$$' % (seldom, read)),
            self.sql('CREATE TRIGGER %s AFTER %s ON %s FOR EACH %s EXECUTE FUNCTION look()' % (
                rng.choice(['aaa', 'zzz']), event, rng.choice(self.tables).name,
                rng.choice(['ROW', 'STATEMENT', 'STATEMENT'])))]}

    def calls_functions(self):
        """Statements that compare citext call functions that are not PostgreSQL's own, and count as reading."""
        return any(c['type'] == 'citext' for t in self.tables for c in t.columns)

    def refreshing_trigger(self):
        """A trigger that has everything computed anew while statements have not ended."""
        rng = self.rng
        level = rng.choice(['ROW', 'STATEMENT', 'STATEMENT'])
        when = rng.choice(['BEFORE', 'AFTER', 'AFTER'])
        body = 'PERFORM anew(); RETURN NULL;'
        if level == 'ROW':
            body = "IF coalesce(NEW.id, OLD.id) % 16 = 1 THEN PERFORM anew(); END IF; RETURN coalesce(NEW, OLD);"
        return {'begin': 'BEGIN', 'end': 'COMMIT', 'steps': [
            self.sql('CREATE FUNCTION renew() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN %s END$$' % body),
            self.sql('CREATE TRIGGER %s %s %s ON %s FOR EACH %s EXECUTE FUNCTION renew()' % (
                rng.choice(['aab', 'zzy']), when, rng.choice(['INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE']),
                rng.choice(self.tables).name, level))]}

    def place_creation(self, work, imat):
        """Somewhere in a transaction that commits; what reads it is skipped before."""
        candidates = [t for t in work if t['end'] == 'COMMIT']
        if not candidates:
            imat['later'] = False
            return
        transaction = self.rng.choice(candidates[:4])
        step = {'kind': 'create', 'imat': imat['name']}
        transaction['steps'].insert(self.rng.randint(0, len(transaction['steps'])), step)
