"""Views by grammar.

A query is a dict, so that it can be written to JSON and shrunk part by part:

    group   {'kind': 'group', 'source': FROM text, 'with': text or '', 'where': [text], 'keys': [key], 'items': [item],
             'having': [text], 'distinct': bool, 'sets': [[index of key]] or None}: what delta maintains
    text    {'kind': 'text', 'sql': text, 'columns': [column], 'exact': bool}: any other; exact: compared as group is

    key     {'sql', 'name', 'type', 'fuzzy', 'selected'}
    item    {'sql', 'name', 'type', 'fuzzy', 'float': None or [function, type, argument, filter]}
    column  {'name', 'type', 'fuzzy'}

In texts, @sum@, @avg@, @variance@, ... stand for aggregates of floats: sum, avg, variance, ... in the IMAT's definition,
imat.exact_sum, imat.exact_avg, imat.exact_variance, ... in what it is compared with; @array_agg@(x) for array_agg(x), and
array_agg(x ORDER BY x) there; @any_value@(x) for any_value(x), and min(x) there; and @key@(x) for the group key x, and
imat.exact_min(x) there. A fuzzy column shows one of several values that are equal but look different (1.0 and 1.00): it is
compared by equality, and nothing is computed with it.
"""

import re

from .values import TYPES, quote, value

PAIRED = ['covar_pop', 'covar_samp', 'corr', 'regr_count', 'regr_avgx', 'regr_avgy', 'regr_sxx', 'regr_syy', 'regr_sxy',
          'regr_slope', 'regr_intercept', 'regr_r2']

AGGREGATED = {'int2': 'int8', 'int4': 'int8', 'int8': 'numeric', 'numeric': 'numeric', 'numeric(8,2)': 'numeric',
              'float4': 'float4', 'float8': 'float8', 'money': 'money', 'interval': 'interval'}


class Relation:
    """Something to select from: a table, a view, an IMAT."""

    def __init__(self, name, columns, unique_id=False, table=False):
        self.name = name
        self.columns = columns  # dicts: name, type, fuzzy
        self.table = table      # and no view or IMAT: it may have children
        self.unique_id = unique_id
        self.joined = False
        self.where = []

    def of(self, *families):
        return [c for c in self.columns if TYPES[c['type']].family in families]

    def clear(self):
        """Columns that can be computed with."""
        return [c for c in self.columns if not c['fuzzy']]


def column(name, type_name, fuzzy=False):
    return {'name': name, 'type': type_name, 'fuzzy': fuzzy}


def floats(function, type_name):
    """The aggregate's name, or its placeholder."""
    return '@%s@' % function if TYPES[type_name].family == 'float' and function in ('sum', 'avg') else function


def render(query, exact=False):
    if query['kind'] == 'text':
        text = query['sql']
    else:
        shown = ['%s AS %s' % (k['sql'], k['name']) for k in query['keys'] if k['selected']]
        shown += ['%s AS %s' % (i['sql'], i['name']) for i in query['items']]
        text = query['with'] + 'SELECT ' + ('DISTINCT ' if query['distinct'] else '') + ', '.join(shown)
        text += ' FROM ' + query['source']
        if query['where']:
            text += ' WHERE ' + ' AND '.join(query['where'])
        if query.get('sets'):
            text += ' GROUP BY ' + grouping_sets(query)
        elif query['keys'] and not query['distinct']:
            text += ' GROUP BY ' + ', '.join(k['sql'] for k in query['keys'])
        if query['having']:
            text += ' HAVING ' + ' AND '.join(query['having'])
    text = re.sub(r'@array_agg@\((\w+)\)', r'array_agg(\1 ORDER BY \1)' if exact else r'array_agg(\1)', text)
    text = text.replace('@key@', 'imat.exact_min' if exact else '')
    if exact:
        text = text.replace('@any_value@', 'min')
    return re.sub(r'@(\w+)@', r'imat.exact_\1' if exact else r'\1', text)


def grouping_sets(query):
    """The sets written out; those whose keys the shrinking took away are smaller."""
    keys = [k['sql'] for k in query['keys']]
    return 'GROUPING SETS (%s)' % ', '.join('(%s)' % ', '.join(keys[i] for i in s if i < len(keys)) for s in query['sets'])


def columns_of(query):
    if query['kind'] == 'text':
        return query['columns']
    return [column(p['name'], p['type'], p['fuzzy']) for p in query['keys'] if p['selected']] + \
           [column(p['name'], p['type'], p['fuzzy']) for p in query['items']]


def raw_query(query):
    """For each bare float aggregate: the exact one, and the array of its arguments; or None."""
    if query['kind'] != 'group':
        return None, []
    bare = [i['float'] for i in query['items'] if i['float']]
    if not bare:
        return None, []
    parts = []
    for function, _, argument, condition in bare:
        tail = ' FILTER (WHERE %s)' % condition if condition else ''
        once, of = ('DISTINCT ', argument[9:]) if argument.startswith('DISTINCT ') else ('', argument)
        parts += ['(imat.exact_%s(%s)%s)::float8' % (function, argument, tail),
                  'array_agg(%s(%s)::float8)%s' % (once, of, tail)]
    changed = dict(query, keys=[dict(k, selected=False) for k in query['keys']],
                   items=[{'sql': p, 'name': 'c%d' % n} for n, p in enumerate(parts)])
    return render(changed, True), bare


# What two columns of these families can be compared as, without a cast that is written.
COMPARED_AS = {'int': 'number', 'numeric': 'number', 'float': 'number', 'text': 'string', 'citext': 'string', 'date': 'time',
               'timestamp': 'time'}


def pairs_of(left, right):
    """
    Columns of the two sides that can be set equal. (Not those that have few values: joins would be very large.) Compared with
    a text, citext is one, too, and it matters which one of several that are equal a column shows.
    """
    def kind(c):
        family = TYPES[c['type']].family
        return COMPARED_AS.get(family, family)

    def matters(c, d):
        return c['fuzzy'] and {TYPES[c['type']].family, TYPES[d['type']].family} == {'citext', 'text'}
    return [(c, d) for c in left for d in right
            if kind(c) == kind(d) and kind(c) not in ('bool', 'enum') and not matters(c, d) and not matters(d, c)]


def references(pair):
    """Does one of the two columns reference the other, as far as the names tell?"""
    ends = sorted(c['name'].split('.')[-1] for c in pair)
    return ends == ['id', 'parent']


class Grammar:
    def __init__(self, rng, settings_free=False, version=150000, dumped=False):
        self.rng = rng
        self.dumped = dumped
        self.version = version
        self.settings_free = settings_free  # nothing that depends on TimeZone
        self.unsteady = False               # did the last query depend on it?
        self.failing_keys = False           # keys that can't be computed of all rows?

    # --- expressions over rows ------------------------------------------------------------------

    def predicate(self, relation, risky=False):
        rng = self.rng
        c = rng.choice(relation.columns)
        name, t = c['name'], TYPES[c['type']]
        kind = rng.randrange(8)
        if kind == 0:
            return '%s IS NOT NULL' % name
        if kind == 1:
            return '%s IS NULL' % name
        if kind == 2 and t.family == 'bool':
            return rng.choice(['%s', 'NOT %s', '%s IS TRUE', '%s IS NOT TRUE']) % name
        if kind == 3 and t.family in ('int', 'numeric', 'float') and not c['fuzzy']:
            return rng.choice(['%s > 0', '%s < 5', 'abs(%s) < 50', '%s BETWEEN -1 AND 20', '%s IN (1, 2, 3)',
                               '(%s > 1) IS NOT FALSE']) % name
        if kind == 4 and t.family == 'text':
            return rng.choice(["%s LIKE 'a%%'", "%s <> 'b'", "lower(%s) = 'a'", "length(%s) > 0"]) % name
        if kind == 5:
            return '(%s OR %s)' % (self.predicate(relation), self.predicate(relation))
        if kind == 6 and risky and t.family == 'int' and rng.random() < 0.3:
            return '10 / %s > 1' % name
        literal = quote(value(rng, c['type'], 0))
        # what an extension's type is not distinct from, a dump leaves to the search_path, and so to text
        distinct = 'IS DISTINCT FROM' if not (self.dumped and t.family == 'citext') else '<>'
        return '%s %s %s' % (name, rng.choice(['=', '<>', '>', '<=', distinct]), literal)

    def key(self, relation):
        """A key expression: sql, type, fuzzy."""
        rng = self.rng
        c = rng.choice(relation.columns)
        name, t = c['name'], TYPES[c['type']]
        plain = (name, c['type'], c['fuzzy'] or not t.image_equal)
        if c['fuzzy'] or rng.random() < 0.55:
            return plain
        if t.family == 'int' and self.failing_keys and rng.random() < 0.3:
            return ('10 / %s' % name, c['type'] if c['type'] != 'int2' else 'int4', False)
        if t.family == 'int':
            return rng.choice([('%s %% 3' % name, c['type'] if c['type'] != 'int2' else 'int4', False),
                               ('%s / 10' % name, c['type'] if c['type'] != 'int2' else 'int4', False),
                               ('coalesce(%s, 0)' % name, c['type'] if c['type'] != 'int2' else 'int4', False),
                               ('%s > 2' % name, 'bool', False), ('%s::text' % name, 'text', False),
                               ("CASE WHEN %s > 2 THEN 'big' WHEN %s > 0 THEN 'small' END" % (name, name), 'text',
                                False)])
        if t.family == 'text':
            return rng.choice([('lower(%s)' % name, 'text', False), ('left(%s, 1)' % name, 'text', False),
                               ('length(%s)' % name, 'int4', False), ("%s || '!'" % name, 'text', False),
                               ("nullif(%s, 'a')" % name, 'text', False)])
        if t.family == 'numeric':
            return rng.choice([('round(%s)' % name, 'numeric', True), ('trunc(%s, 1)' % name, 'numeric', True)])
        if t.family == 'float':
            return rng.choice([('floor(%s)' % name, 'float8', True), ('%s > 0' % name, 'bool', False)])
        if t.family == 'date':
            return rng.choice([("extract(year from %s)" % name, 'numeric', True),
                               ("%s > '2024-01-15'" % name, 'bool', False)])
        if t.family == 'timestamp':
            return rng.choice([("date_trunc('hour', %s)" % name, 'timestamp', False), ('%s::date' % name, 'date', False)])
        if t.family == 'timestamptz' and not self.settings_free:
            self.unsteady = True
            return rng.choice([("date_trunc('hour', %s)" % name, 'timestamptz', False),
                               ("date_trunc('day', %s)" % name, 'timestamptz', False),
                               ('%s::date' % name, 'date', False),
                               ("(%s AT TIME ZONE 'Asia/Kolkata')::date" % name, 'date', False)])
        if t.family == 'bool':
            return rng.choice([('coalesce(%s, false)' % name, 'bool', False), ('%s IS NULL' % name, 'bool', False)])
        if t.family == 'enum':
            return rng.choice([('%s::text' % name, 'text', False), ("%s > 'sad'" % name, 'bool', False)])
        return plain

    # --- aggregates -----------------------------------------------------------------------------

    def filter(self, relation):
        return self.predicate(relation) if self.rng.random() < 0.25 else ''

    def aggregate(self, relation, risky=False):
        """A bare call: sql, type, float mark. (Never fuzzy.)"""
        rng = self.rng
        sums = [c for c in relation.clear() if c['type'] in AGGREGATED]
        condition = self.filter(relation)
        tail = ' FILTER (WHERE %s)' % condition if condition else ''
        if rng.random() < 0.15:
            return self.distinct_values(relation, condition, tail)
        kind = rng.randrange(10)
        if kind < 2 or not sums:
            return 'count(*)' + tail, 'int8', None
        if kind < 4:
            return 'count(%s)%s' % (rng.choice(relation.columns)['name'], tail), 'int8', None
        bools = [c for c in relation.clear() if c['type'] == 'bool']
        if bools and rng.random() < 0.04:
            return '%s(%s)%s' % (rng.choice(['bool_and', 'bool_or', 'every']), rng.choice(bools)['name'], tail), 'bool', None
        numbers = [c for c in sums if TYPES[c['type']].family in ('int', 'numeric', 'float')]
        if numbers and rng.random() < 0.06:
            function = rng.choice(PAIRED)
            return '%s(%s::float8, %s::float8)%s' % (('@%s@' % function if function != 'regr_count' else function,
                                                      rng.choice(numbers)['name'], rng.choice(numbers)['name'], tail)), \
                'int8' if function == 'regr_count' else 'float8', None
        c = rng.choice(sums)
        argument, t = c['name'], c['type']
        family = TYPES[t].family
        if family in ('int', 'numeric', 'float') and rng.random() < 0.1:
            function = rng.choice(['var_pop', 'var_samp', 'variance', 'stddev_pop', 'stddev_samp', 'stddev'])
            return '%s(%s)%s' % ('@%s@' % function if family == 'float' else function, argument, tail), \
                'float8' if family == 'float' else 'numeric', None
        if family == 'int' and rng.random() < 0.08:
            return '%s(%s)%s' % (rng.choice(['bit_and', 'bit_or'] + ['bit_xor'] * (self.version >= 140000)), argument, tail), t, None
        if family in ('int', 'numeric', 'float') and rng.random() < 0.2:
            wide = {'int2': 'int4', 'float4': 'float8', 'numeric(8,2)': 'numeric'}.get(t, t)
            same = {'numeric(8,2)': 'numeric'}.get(t, t)
            pattern, t = rng.choice([('%s + 1', wide), ('%s * 2', wide), ('-%s', same),
                                     ('coalesce(%s, 0)', 'float4' if t == 'float4' else wide),
                                     ('CASE WHEN %s > 0 THEN %s END', same)])
            argument = pattern.replace('%s', argument)
        elif risky and family == 'int' and rng.random() < 0.1:
            argument, t = '100 / %s' % argument, 'int8' if t == 'int8' else 'int4'
        function = 'sum' if family == 'money' or rng.random() < 0.5 else 'avg'
        result = AGGREGATED[t] if function == 'sum' else \
            'float8' if family == 'float' else 'interval' if family == 'interval' else 'numeric'
        mark = [function, t, argument, condition] if family == 'float' else None
        return '%s(%s)%s' % (floats(function, t), argument, tail), result, mark

    def distinct_values(self, relation, condition, tail):
        """An aggregate over each value once. (A sum of other numerics shows the digits of an arbitrary one of equal values.)"""
        rng = self.rng
        sums = [c for c in relation.clear() if c['type'] in AGGREGATED and c['type'] not in ('numeric', 'interval')]
        if not sums or rng.random() < 0.5:
            return 'count(DISTINCT %s)%s' % (rng.choice(relation.columns)['name'], tail), 'int8', None
        c = rng.choice(sums)
        argument, t, family = 'DISTINCT ' + c['name'], c['type'], TYPES[c['type']].family
        if family in ('int', 'numeric') and rng.random() < 0.15:
            return '%s(%s)%s' % (rng.choice(['var_pop', 'variance', 'stddev']), argument, tail), 'numeric', None
        if family == 'int' and rng.random() < 0.15:
            return '%s(%s)%s' % (rng.choice(['bit_and', 'bit_or'] + ['bit_xor'] * (self.version >= 140000)), argument, tail), t, None
        function = 'sum' if family == 'money' or rng.random() < 0.5 else 'avg'
        result = AGGREGATED[t] if function == 'sum' else 'float8' if family == 'float' else 'numeric'
        mark = [function, t, argument, condition] if family == 'float' else None
        return '%s(%s)%s' % (floats(function, t), argument, tail), result, mark

    def extreme(self, relation):
        """A bare min or max: sql, the column it is over, type; or None."""
        rng = self.rng
        usable = [c for c in relation.clear() if TYPES[c['type']].family not in ('bool', 'uuid')]
        if not usable:
            return None
        c = rng.choice(usable)
        t = {'varchar(8)': 'text', 'numeric(8,2)': 'numeric'}.get(c['type'], c['type'])
        argument = c['name']
        if TYPES[c['type']].family == 'int' and rng.random() < 0.3:
            argument, t = rng.choice([('%s %% 5' % argument, t if t != 'int2' else 'int4'), ('-%s' % argument, t)])
        condition = self.filter(relation)
        function = '@any_value@' if self.version >= 160000 and rng.random() < 0.1 and not relation.joined else rng.choice(['min', 'max'])
        return '%s(%s)%s' % (function, argument, ' FILTER (WHERE %s)' % condition if condition else ''), c, t

    def extreme_item(self, relation):
        """One that is shown, or something computed with it where what is equal looks alike."""
        rng = self.rng
        made = self.extreme(relation)
        if not made:
            return None
        call, c, t = made
        item = {'sql': call, 'type': t, 'fuzzy': not TYPES[c['type']].image_equal, 'float': None}
        if item['fuzzy'] or rng.random() < 0.7:
            return item
        family = TYPES[t].family
        sql, result = rng.choice([('%s IS NULL', 'bool'), ('CASE WHEN count(*) > 1 THEN %s END', t)] + {
            'int': [('%s > 3', 'bool'), ('coalesce(%s, 0)', t), ("%s || '!'", 'text')],
            'text': [("%s || '!'", 'text'), ('length(%s)', 'int4')],
            'date': [("%s > '2024-01-15'", 'bool')]}.get(family, []))
        return dict(item, sql=sql % call, type=result)

    def item(self, relation, keys, risky=False):
        rng = self.rng
        if rng.random() < 0.25:
            made = self.extreme_item(relation)
            if made:
                return made
        call, t, mark = self.aggregate(relation, risky)
        family = TYPES[t].family
        if rng.random() < 0.7:
            return {'sql': call, 'type': t, 'fuzzy': False, 'float': mark}
        computed = None
        if family in ('int', 'numeric'):
            computed = rng.choice([('%s + 1', t), ('%s > 3', 'bool'), ('%s::text', 'text'), ('coalesce(%s, 0)', t),
                                   ('%s / nullif(count(*), 0)', t), ('round(%s::numeric, 1)', 'numeric'),
                                   ('CASE WHEN %s > 0 THEN count(*) END', 'int8')])
            if risky and rng.random() < 0.2:
                computed = ('100 / (%s)', t)
        elif family == 'bool':
            computed = ('coalesce(%s, true)', 'bool')
        elif family == 'float':
            computed = rng.choice([('%s > 0', 'bool'), ('coalesce(%s, 0)', t)])
        elif family == 'money':
            computed = ('%s * 2', 'money')
        elif family == 'interval':
            computed = ("%s > '1 day'", 'bool')
        if computed is None:
            return {'sql': call, 'type': t, 'fuzzy': False, 'float': mark}
        sql, result = computed
        texts = [k for k in keys if not k['fuzzy'] and TYPES[k['type']].family == 'text']
        if sql == '%s::text' and texts:
            sql = '%s || %%s::text' % rng.choice(texts)['sql'].replace('%', '%%')
        return {'sql': sql % call, 'type': result, 'fuzzy': False, 'float': None}

    def joining(self, pairs):
        """The pairs of columns that a join sets equal."""
        rng = self.rng
        along, ids = [p for p in pairs if references(p)], [p for p in pairs if any(c['name'].endswith('.id') for c in p)]
        first = rng.choice(along if along and rng.random() < 0.6 else ids if ids and rng.random() < 0.3 else pairs)
        more = rng.sample(pairs, min(len(pairs), rng.choice([1, 1, 2]))) if rng.random() < 0.3 else []
        return [first] + [p for p in more if p is not first]

    def computed(self, columns):
        """An item of FROM whose rows are computed from these columns: text and column."""
        rng = self.rng
        c = rng.choice(columns)
        alike = [d['name'] for d in columns if d['type'] == c['type'] and d['fuzzy'] == c['fuzzy']]
        some = [rng.choice(alike) for _ in range(rng.choice([1, 2, 2, 3]))]
        texts = [d for d in columns if d['type'] in ('text', 'varchar(8)') and not d['fuzzy']]
        ints = [d for d in columns if TYPES[d['type']].family == 'int' and not d['fuzzy']]
        kind = rng.randrange(7)
        if kind == 4:
            return '(SELECT count(u.v) FROM unnest(ARRAY[%s]) u(v)) f(v)' % ', '.join(some), column('f.v', 'int8')
        if kind == 5:
            return '(SELECT u.v FROM unnest(ARRAY[%s]) WITH ORDINALITY u(v, n) WHERE u.v IS NOT NULL ORDER BY u.n DESC LIMIT 2) f(v)' % \
                ', '.join(some), dict(c, name='f.v')
        if kind == 6 and ints:
            return '(SELECT %s UNION ALL SELECT u.n::%s FROM generate_series(1, %s %% 2) u(n)) f(v)' % (
                ints[0]['name'], ints[0]['type'], ints[-1]['name']), dict(ints[0], name='f.v')
        if kind == 0 and texts:
            return "regexp_split_to_table(%s, '') f(v)" % rng.choice(texts)['name'], column('f.v', 'text')
        if kind == 1 and ints:
            d = rng.choice(ints)
            return 'generate_series(0, %s %% 3) WITH ORDINALITY f(v, n)' % d['name'], \
                column('f.v', 'int8' if d['type'] == 'int8' else 'int4')
        if kind == 2:
            return '(VALUES %s) f(v)' % ', '.join('(%s)' % name for name in some), dict(c, name='f.v')
        return 'unnest(ARRAY[%s]) f(v)' % ', '.join(some), dict(c, name='f.v')

    def joined(self, relations):
        """Inner joins of relations (or of one with itself) and what is computed of them, or outer joins with that, as
        something to select from; or None."""
        rng = self.rng
        parts, columns, conditions, outer = [], [], [], False
        size = rng.choice([1, 2, 2, 2, 2, 3])
        for letter in 'xyz'[:size]:
            relation = rng.choice(relations)
            here = [dict(c, name='%s.%s' % (letter, c['name'])) for c in relation.columns]
            pairs = pairs_of(columns, here)
            if columns and not pairs:
                return None
            condition = ' AND '.join('%s = %s' % (c['name'], d['name']) for c, d in self.joining(pairs)) if pairs else ''
            if condition and rng.random() < 0.2:
                condition += ' AND ' + self.predicate(Relation('', here))
            parts.append('%s %s' % (relation.name, letter))
            conditions.append(condition)
            columns += here
        if size == 1 or rng.random() < 0.15:
            text, made = self.computed(columns)
            parts.append('LATERAL ' + text)
            columns.append(made)
            conditions.append('true' if rng.random() < 0.7 else self.predicate(Relation('', columns)))
            outer = rng.random() < 0.4
        if outer:
            made = Relation(parts[0] + ''.join(' %s %s ON %s' % ('LEFT JOIN' if part == parts[-1] else 'JOIN', part, condition)
                                               for part, condition in zip(parts[1:], conditions[1:])), columns)
        elif rng.random() < 0.3:
            text = ', '.join(parts)
            made = Relation(text, columns)
            made.where = conditions[1:]
        else:
            made = Relation(parts[0] + ''.join(' JOIN %s ON %s' % p for p in zip(parts[1:], conditions[1:])), columns)
        if rng.random() < 0.1:
            text, _ = self.computed([c for c in columns if not c['name'].startswith('f.')])
            made.where.append(rng.choice(['EXISTS (SELECT FROM %s WHERE f.v IS NOT NULL)', '(SELECT count(*) FROM %s) > 1']) % text)
        made.joined = True
        return made

    def group(self, relation, risky=False):
        """A query that delta should take."""
        rng = self.rng
        source, where, with_ = relation.name, [], ''
        wrap = rng.randrange(10) if not relation.joined else 10
        if wrap == 0:
            condition = self.predicate(relation)
            source = '(SELECT * FROM %s WHERE %s) AS s' % (relation.name, condition)
        elif wrap == 1:
            with_ = 'WITH w AS (SELECT * FROM %s) ' % relation.name
            source = 'w'
        elif wrap == 2:
            source = '%s AS r' % relation.name
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
            where.append(self.predicate(relation, risky))
        where += relation.where
        distinct = rng.random() < 0.08
        keys, seen = [], set()
        for _ in range(rng.choice([1, 2] if distinct else [0, 1, 1, 1, 2, 2, 3])):
            sql, t, fuzzy = self.key(relation)
            if sql not in seen:
                seen.add(sql)
                keys.append({'sql': sql, 'type': t, 'fuzzy': fuzzy, 'selected': distinct or rng.random() < 0.85,
                             'name': 'k%d' % (len(keys) + 1)})
        items = []
        if not distinct:
            for n in range(rng.choice([1, 2, 2, 3, 3, 4]) if keys == [] or rng.random() < 0.95 else 0):
                items.append(dict(self.item(relation, keys, risky), name='a%d' % (n + 1)))
            if not items and not any(k['selected'] for k in keys):
                keys[0]['selected'] = True
        sets = None
        if keys and items and rng.random() < 0.2:
            sets = self.sets(len(keys))
            if rng.random() < 0.5:
                items.append({'sql': 'GROUPING(%s)' % ', '.join(k['sql'] for k in keys), 'type': 'int4', 'fuzzy': False,
                              'float': None, 'name': 'g'})
        having = []
        if not distinct and rng.random() < 0.2:
            call, t, _ = self.aggregate(relation)
            zero = 'false' if t == 'bool' else "'0'" if TYPES[t].family in ('money', 'interval') else rng.choice(['0', '1', '2', '5'])
            having.append('%s %s %s' % (call, rng.choice(['>', '<', '>=', '<>']), zero))
            made = self.extreme(relation)
            if made and rng.random() < 0.4:
                having.append('%s %s %s' % (made[0], rng.choice(['>', '<', '>=', '<>']), quote(value(rng, made[1]['type'], 0))))
            clear = [k for k in keys if not k['fuzzy']]
            if clear and rng.random() < 0.3:
                having.append('%s IS NOT NULL' % rng.choice(clear)['sql'])
        return {'kind': 'group', 'source': source, 'with': with_, 'where': where, 'keys': keys, 'items': items,
                'having': having, 'distinct': distinct, 'sets': sets}

    def sets(self, count):
        """Grouping sets over so many keys: those of ROLLUP, of CUBE, or any."""
        rng = self.rng
        kind = rng.randrange(4)
        if kind == 0:
            return [list(range(n)) for n in range(count, -1, -1)]
        if kind == 1:
            return [[i for i in range(count) if n >> i & 1] for n in range(2 ** count)]
        return [[i for i in range(count) if rng.random() < 0.6] for _ in range(rng.randint(1, 4))]

    def rows(self, relation):
        """A query without groups that delta should take: some columns, with luck a key among them, or computed ones."""
        rng = self.rng
        shown, seen = [], set()
        for c in relation.columns:
            if rng.random() < (0.75 if c['name'].split('.')[-1] == 'id' else 0.35):
                seen.add(c['name'])
                shown.append((c['name'], c['type'], c['fuzzy']))
        for _ in range(rng.choice([0, 0, 0, 1, 2]) if shown else 1):
            sql, t, fuzzy = self.key(relation)
            if sql not in seen:
                seen.add(sql)
                plain = [c for c in relation.columns if c['name'] == sql]
                shown.append((sql, t, plain[0]['fuzzy'] if plain else fuzzy))
        if rng.random() < 0.06:
            shown.append(("'text'::text", 'text', False))
        rng.shuffle(shown)
        where = [self.predicate(relation) for _ in range(rng.choice([0, 0, 1, 1, 2]))] + relation.where
        columns = [column('k%d' % n, t, fuzzy) for n, (_, t, fuzzy) in enumerate(shown)]
        sql = 'SELECT %s FROM %s%s' % (', '.join('%s AS k%d' % (s, n) for n, (s, _, _) in enumerate(shown)), relation.name,
                                       ' WHERE ' + ' AND '.join(where) if where else '')
        return dict(self.text(sql, columns), exact=True)

    # --- outer joins, and subqueries in expressions ---------------------------------------------

    def aliased(self, relation, letter):
        return [dict(c, name='%s.%s' % (letter, c['name'])) for c in relation.columns]

    def on(self, left, right):
        """A condition between the columns of two sides: nearly always one that sets some equal."""
        rng = self.rng
        pairs = pairs_of(left, right)
        ids = [(c, d) for c, d in pairs if c['name'].endswith('.id') or d['name'].endswith('.id')]
        if not pairs or rng.random() < 0.06:
            return self.predicate(Relation('', left + right))
        c, d = rng.choice(ids if ids and rng.random() < 0.5 else pairs)
        condition = '%s %s %s' % (c['name'], rng.choice(['='] * 9 + ['>']), d['name'])
        if rng.random() < 0.3:
            condition += rng.choice([' AND ', ' AND ', ' OR ']) + self.predicate(Relation('', rng.choice([left, right])))
        return condition

    def side(self, relations, letter):
        """A table, or a subquery that computes something, under a letter: text and columns."""
        rng = self.rng
        relation = rng.choice(relations)
        columns = self.aliased(relation, letter)
        if rng.random() < 0.75:
            return '%s %s' % (relation.name, letter), columns
        shown = [c['name'] for c in relation.columns]
        extra = rng.choice([("'c'::text", 'text'), ('1', 'int4'), ('%s IS NULL' % rng.choice(shown), 'bool')])
        where = ' WHERE ' + self.predicate(relation) if rng.random() < 0.4 else ''
        return '(SELECT %s, %s AS more FROM %s%s) %s' % (', '.join(shown), extra[0], relation.name, where, letter), \
            columns + [column(letter + '.more', extra[1])]

    def outer(self, relations):
        """A tree of joins, most of them outer ones, as something to select from."""
        rng = self.rng
        size = rng.choice([2, 2, 2, 3, 3, 4])
        parts = [self.side(relations, letter) for letter in 'xyzw'[:size]]
        while len(parts) > 1:
            n = rng.randrange(len(parts) - 1)
            (left, a), (right, b) = parts[n], parts[n + 1]
            kind = rng.choice(['LEFT', 'LEFT', 'LEFT', 'RIGHT', 'FULL', ''])
            condition = self.on(a, b)
            if kind == 'FULL' and (' = ' not in condition or ' OR ' in condition or 'IS' in condition):
                kind = 'LEFT'
            if kind == 'FULL':
                condition = condition.split(' AND ')[0]
            if kind == 'FULL' and not ('.' in condition.split(' = ')[0] and '.' in condition.split(' = ')[-1]):
                kind = 'LEFT'
            parts[n:n + 2] = [('(%s %s JOIN %s ON %s)' % (left, kind, right, condition), a + b)]
        text, columns = parts[0]
        made = Relation(text, columns)
        made.joined = True
        if rng.random() < 0.25:
            made.where = [self.predicate(made)]
        return made

    def sublink(self, columns, relations, depth=0):
        """A condition with a subquery over these columns."""
        rng = self.rng
        letter = 'pqr'[depth]
        inner = rng.choice(relations)
        here = self.aliased(inner, letter)
        where = []
        if rng.random() < 0.7:
            where.append(self.on(columns, here))
        if rng.random() < 0.35:
            where.append(self.predicate(Relation('', here)))
        if depth < 2 and rng.random() < 0.2:
            where.append(self.sublink(here + columns if rng.random() < 0.3 else here, relations, depth + 1))
        tail = ' FROM %s %s' % (inner.name, letter) + (' WHERE ' + ' AND '.join(where) if where else '')
        pairs = pairs_of(columns, here)
        kind = rng.randrange(6)
        if kind < 2 or not pairs:
            text = '%sEXISTS (SELECT%s)' % (rng.choice(['', 'NOT ']), tail)
        elif kind < 5:
            c, d = rng.choice(pairs)
            operation = rng.choice(['IN', 'IN', 'NOT IN', 'NOT IN', '> ANY', '<= ALL'])
            left, right = c['name'], d['name']
            if operation.endswith('IN') and rng.random() < 0.2:
                c, d = rng.choice(pairs)
                left, right = '(%s, %s)' % (left, c['name']), '%s, %s' % (right, d['name'])
            text = '%s %s (SELECT %s%s)' % (left, operation, right, tail)
        else:
            text = '(SELECT count(*)%s) > %d' % (tail, rng.randint(0, 2))
        looked_up = ' IN (SELECT' in text  # others compare all pairs of rows, if they are a part of something
        if rng.random() < (0.65 if looked_up else 0.85):
            return text
        if not looked_up:
            return '(%s OR %s)' % (text, self.predicate(Relation('', columns)))
        around = rng.choice(['({0} OR {1})', '({1} OR {0} AND {2})', 'NOT ({0} OR {1})', '({0}) IS NOT TRUE',
                             'CASE WHEN {0} THEN {1} ELSE {2} END', 'coalesce({0}, {1})'])
        return around.format(text, *(self.predicate(Relation('', columns)) for _ in range(2)))

    def semi(self, relation, relations):
        """The relation, with a subquery in its WHERE."""
        made = Relation(relation.name, relation.columns)
        made.joined = True
        if not relation.joined:
            made = Relation(relation.name + ' x', self.aliased(relation, 'x'))
            made.joined = True
        made.where = relation.where + [self.sublink(made.columns, relations)]
        return made

    def optional(self, relations):
        """Something to select from that has outer joins, subqueries in WHERE, or both; or, rarely, neither."""
        rng = self.rng
        relation = self.outer(relations) if rng.random() < 0.6 else None
        if relation is None or rng.random() < 0.15:
            relation = self.semi(relation or self.joined(relations) or rng.choice(relations), relations)
        return relation

    # --- everything else ------------------------------------------------------------------------

    def other(self, relations):
        """A query for swap. Nothing in it may depend on the order of rows."""
        for _ in range(50):
            made = self.rng.choice([self.minmax, self.window, self.partitions, self.partitions, self.join, self.join_groups, self.set_operation,
                                    self.subquery, self.limit, self.percentile, self.distinct_aggregate, self.rollup,
                                    self.distinct_on, self.projection, self.ordered, self.recursive, self.keyed_sets, self.told_sets,
                                    self.hidden, self.single, self.first_groups, self.lists, self.computed_key, self.top_groups,
                                    self.by_table, self.whole_rows, self.top_groups, self.on_groups, self.around_groups, self.lateral, self.scalar, self.constants,
                                    self.nested, self.kept_groups, self.kept_groups, self.kept_rows])(relations)
            if made:
                return made
        return self.projection(relations)

    def text(self, sql, columns):
        return {'kind': 'text', 'sql': sql, 'columns': columns}

    def some(self, relation, count):
        columns = list(relation.columns)
        self.rng.shuffle(columns)
        return [dict(c, fuzzy=c['fuzzy'] or not TYPES[c['type']].image_equal) for c in columns[:count]]

    def named(self, columns, prefix=''):
        return ', '.join(prefix + c['name'] for c in columns)

    def projection(self, relations):
        r = self.rng.choice(relations)
        columns = self.some(r, 3)
        return self.text('SELECT %s FROM %s WHERE %s' % (self.named(columns), r.name, self.predicate(r)), columns)

    def minmax(self, relations):
        r = self.rng.choice(relations)
        usable = [c for c in r.columns if TYPES[c['type']].family not in ('bool', 'uuid')]
        if not usable:
            return None
        key, (c, d) = self.some(r, 1)[0], (self.rng.choice(usable), self.rng.choice(usable))
        return self.text('SELECT %s AS k, min(%s) AS lo, max(%s) AS hi, count(*) AS n FROM %s GROUP BY %s' %
                         (key['name'], c['name'], d['name'], r.name, key['name']),
                         [column('k', key['type'], key['fuzzy']), column('lo', c['type'], True),
                          column('hi', d['type'], True), column('n', 'int8')])

    def window(self, relations):
        r = self.rng.choice(relations)
        part, order = self.some(r, 1)[0], self.some(r, 1)[0]
        over = 'PARTITION BY %s ORDER BY %s' % (part['name'], order['name'])
        ints = [c for c in r.of('int') if not c['fuzzy']]
        second = 'sum(%s) OVER (%s)' % (self.rng.choice(ints)['name'], over) if ints else 'count(*) OVER (%s)' % over
        return self.text('SELECT %s AS k, rank() OVER (%s) AS r, (%s)::numeric AS s FROM %s' %
                         (part['name'], over, second, r.name),
                         [column('k', part['type'], part['fuzzy']), column('r', 'int8'), column('s', 'numeric', True)])

    def partitions(self, relations):
        """Window functions, and what keeps their partitions apart. (All of them give the same for rows that are alike to them.)"""
        rng = self.rng
        found = self.pair(relations) if rng.random() < 0.4 else None
        r = found[0] if found else rng.choice(relations)
        (k, o), j = (self.some(r, 1)[0] for _ in range(2)), self.some(r, 1)[0]
        shown = [column('k', k['type'], k['fuzzy']), column('r', 'int8'), column('n', 'int8')]
        source = '%s x' % r.name
        if found:
            a, b, c, d = found
            source += ' %s %s y ON x.%s = y.%s' % (rng.choice(['JOIN', 'LEFT JOIN']), b.name, c['name'], d['name'])
            o = dict(d, name='y.' + d['name'])
        inner = 'SELECT x.%s AS k, %s() OVER (PARTITION BY x.%s%s ORDER BY %s) AS r, count(*) OVER (PARTITION BY %s) AS n FROM %s%s' % (
            k['name'], rng.choice(['rank', 'dense_rank']), k['name'], rng.choice(['', ', x.' + j['name']]),
            o['name'] if '.' in o['name'] else 'x.' + o['name'],
            rng.choice(['x.' + k['name'], 'x.%s, x.%s' % (j['name'], k['name'])]), source,
            rng.choice(['', ' WHERE x.%s IS NOT NULL' % j['name']]))
        kind = rng.randrange(5)
        if kind == 0:
            return self.text(inner, shown)
        if kind == 1:
            return self.text(inner.replace('SELECT', 'SELECT DISTINCT', 1), shown)
        if kind == 2:
            return self.text('SELECT k, r, n FROM (%s) s WHERE r <= %d' % (inner, rng.randint(1, 3)), shown)
        if kind == 3:
            return self.text('WITH s AS (%s) SELECT k, max(r) AS r, sum(n)::int8 AS n FROM s WHERE r <= 3 GROUP BY k' % inner, shown)
        return self.text('SELECT k, rank() OVER (PARTITION BY k ORDER BY n) AS r, n FROM (%s) s' % inner, shown)

    def pair(self, relations):
        """Two relations and columns of one type to join them on."""
        a, b = self.rng.choice(relations), self.rng.choice(relations)
        pairs = [(c, d) for c in a.columns for d in b.columns
                 if TYPES[c['type']].family == TYPES[d['type']].family and TYPES[c['type']].family not in ('bool',)]
        return (a, b) + self.rng.choice(pairs) if pairs else None

    def join(self, relations):
        found = self.pair(relations)
        if not found:
            return None
        a, b, c, d = found
        left, right = self.some(a, 2), self.some(b, 2)
        shown = ['x.%s AS l%d' % (p['name'], n) for n, p in enumerate(left)]
        shown += ['y.%s AS r%d' % (p['name'], n) for n, p in enumerate(right)]
        columns = [dict(p, name='l%d' % n) for n, p in enumerate(left)]
        columns += [dict(p, name='r%d' % n) for n, p in enumerate(right)]
        return self.text('SELECT %s FROM %s x %s JOIN %s y ON x.%s = y.%s' %
                         (', '.join(shown), a.name, self.rng.choice(['', 'LEFT', 'FULL']), b.name, c['name'],
                          d['name']), columns)

    def join_groups(self, relations):
        found = self.pair(relations)
        if not found:
            return None
        a, b, c, d = found
        key = self.some(a, 1)[0]
        sums = [p for p in b.clear() if p['type'] in AGGREGATED and TYPES[p['type']].family != 'float']
        call, t = 'count(*)', 'int8'
        if sums:
            p = self.rng.choice(sums)
            call, t = 'sum(y.%s)' % p['name'], AGGREGATED[p['type']]
        return self.text('SELECT x.%s AS k, count(*) AS n, %s AS s FROM %s x %s JOIN %s y ON x.%s = y.%s GROUP BY x.%s' %
                         (key['name'], call, a.name, self.rng.choice(['', 'LEFT']), b.name, c['name'], d['name'],
                          key['name']),
                         [column('k', key['type'], key['fuzzy']), column('n', 'int8'), column('s', t)])

    def set_operation(self, relations):
        found = self.pair(relations)
        if not found:
            return None
        a, b, c, d = found
        op = self.rng.choice(['UNION', 'UNION ALL', 'EXCEPT', 'EXCEPT ALL', 'INTERSECT', 'INTERSECT ALL'])
        t = c['type'] if c['type'] == d['type'] else {'int': 'int8', 'float': 'float8', 'text': 'text',
                                                       'numeric': 'numeric'}[TYPES[c['type']].family]
        return self.text('SELECT %s::%s AS k FROM %s %s SELECT %s::%s FROM %s WHERE %s' %
                         (c['name'], t, a.name, op, d['name'], t, b.name, self.predicate(b)), [column('k', t, True)])

    def subquery(self, relations):
        found = self.pair(relations)
        if not found:
            return None
        a, b, c, d = found
        key = self.some(a, 1)[0]
        condition = self.rng.choice([
            'x.{c} IN (SELECT {d} FROM {b})', 'EXISTS (SELECT FROM {b} y WHERE y.{d} = x.{c})',
            'NOT EXISTS (SELECT FROM {b} y WHERE y.{d} = x.{c} AND {p})',
            '(SELECT count(*) FROM {b} y WHERE y.{d} = x.{c}) > 1',
        ]).format(c=c['name'], d=d['name'], b=b.name, p='y.%s IS NOT NULL' % d['name'])
        return self.text('SELECT x.%s AS k, count(*) AS n FROM %s x WHERE %s GROUP BY x.%s' %
                         (key['name'], a.name, condition, key['name']),
                         [column('k', key['type'], key['fuzzy']), column('n', 'int8')])

    def limit(self, relations):
        r = self.rng.choice(relations)
        columns = self.some(r, 2)
        return self.text('SELECT %s FROM %s ORDER BY %s LIMIT %d OFFSET %d' %
                         (self.named(columns), r.name, self.named(columns), self.rng.randint(1, 5),
                          self.rng.randint(0, 2)), columns)

    def ordered(self, relations):
        r = self.rng.choice(relations)
        texts = [c for c in r.clear() if TYPES[c['type']].family in ('text', 'int', 'enum', 'uuid', 'date')]
        if not texts:
            return None
        key, c = self.some(r, 1)[0], self.rng.choice(texts)
        return self.text("SELECT %s AS k, string_agg(%s::text, ',' ORDER BY %s::text) AS s FROM %s GROUP BY %s" %
                         (key['name'], c['name'], c['name'], r.name, key['name']),
                         [column('k', key['type'], key['fuzzy']), column('s', 'text')])

    def percentile(self, relations):
        r = self.rng.choice(relations)
        key, c = self.some(r, 1)[0], self.some(r, 1)[0]
        return self.text('SELECT %s AS k, percentile_disc(0.5) WITHIN GROUP (ORDER BY %s) AS p FROM %s GROUP BY %s' %
                         (key['name'], c['name'], r.name, key['name']),
                         [column('k', key['type'], key['fuzzy']), column('p', c['type'], True)])

    def distinct_aggregate(self, relations):
        r = self.rng.choice(relations)
        key, c = self.some(r, 1)[0], self.some(r, 1)[0]
        return self.text('SELECT %s AS k, count(DISTINCT %s) AS n FROM %s GROUP BY %s' %
                         (key['name'], c['name'], r.name, key['name']),
                         [column('k', key['type'], key['fuzzy']), column('n', 'int8')])

    def rollup(self, relations):
        r = self.rng.choice(relations)
        columns = self.some(r, 2)
        if len(columns) < 2:
            return None
        how = self.rng.choice(['ROLLUP (%s, %s)', 'CUBE (%s, %s)', 'GROUPING SETS ((%s), (%s), ())'])
        return self.text('SELECT %s AS k1, %s AS k2, count(*) AS n FROM %s GROUP BY %s' %
                         (columns[0]['name'], columns[1]['name'], r.name,
                          how % (columns[0]['name'], columns[1]['name'])),
                         [dict(columns[0], name='k1'), dict(columns[1], name='k2'), column('n', 'int8')])

    def distinct_on(self, relations):
        r = self.rng.choice(relations)
        columns = self.some(r, 3)
        return self.text('SELECT DISTINCT ON (%s) %s FROM %s ORDER BY %s' %
                         (columns[0]['name'], self.named(columns), r.name, self.named(columns)), columns)

    def one_of(self, c):
        """An aggregate that gives a value of the column: of those that delta takes, or of those that it can't."""
        return self.rng.choice(['max(%s)', 'min(%s)', 'percentile_disc(0.5) WITHIN GROUP (ORDER BY %s)']) % c['name']

    def keyed_sets(self, relations):
        """What can't be added up, in several grouping sets."""
        r = self.rng.choice(relations)
        columns = self.some(r, 2)
        usable = [c for c in r.columns if TYPES[c['type']].family not in ('bool', 'uuid')]
        if len(columns) < 2 or not usable:
            return None
        c = self.rng.choice(usable)
        sets = ', '.join('(%s)' % ', '.join(columns[i]['name'] for i in s) for s in self.sets(2))
        shown = [n for n in (0, 1) if self.rng.random() < 0.7]
        made = [dict(columns[n], name='k%d' % n) for n in shown] + [column('hi', c['type'], True), column('g', 'int4')]
        return self.text('SELECT %s%s AS hi, GROUPING(%s) AS g FROM %s GROUP BY GROUPING SETS (%s)' %
                         (''.join('%s AS k%d, ' % (columns[n]['name'], n) for n in shown), self.one_of(c),
                          self.named(self.rng.sample(columns, self.rng.choice([1, 2]))), r.name, sets), made)

    def told_sets(self, relations):
        """Grouping sets over keys that look like something else: constants, one column twice, what a subquery computes."""
        rng = self.rng
        r = rng.choice(relations)
        usable = [c for c in r.columns if not c['fuzzy'] and TYPES[c['type']].image_equal and TYPES[c['type']].family in ('int', 'text', 'bool', 'uuid')]
        if not usable:
            return None
        c = rng.choice(usable)
        n, t = c['name'], c['type']
        twice = [] if self.dumped else [(n, t), ("'x'::text", 'text')]  # a dump writes out both, which then are one
        keys = rng.sample([(n, t), ('w', 'text'), ('label', 'text'), ("'z'::text", 'text')] + twice, rng.choice([2, 2, 3]))
        more = [("coalesce(w, 'x')", 'text')] * (('w', 'text') in keys) + [("label || '!'", 'text')] * (('label', 'text') in keys)
        more += [('%s::text' % n, 'text')] * ((n, t) in keys)
        shown = keys + [m for m in more if rng.random() < 0.5]
        shown.append((rng.choice(['count(*)', 'count(*)', 'count(%s) + 1' % n, 'count(DISTINCT %s)' % n]), 'int8'))
        sets = ', '.join('(%s)' % ', '.join(str(i + 1) for i in s) for s in self.sets(len(keys)))
        text = 'SELECT %s FROM (SELECT *, %s::text AS w, \'x\'::text AS label FROM %s) q GROUP BY GROUPING SETS (%s)' % (
            ', '.join('%s AS k%d' % (e, i) for i, (e, _) in enumerate(shown)), n, r.name, sets)
        if rng.random() < 0.15:
            text += ' ORDER BY %s LIMIT 3' % ', '.join(str(i + 1) for i in range(len(shown)))
        return self.text(text, [column('k%d' % i, t) for i, (_, t) in enumerate(shown)])

    def hidden(self, relations):
        """Groups whose keys aren't shown."""
        r = self.rng.choice(relations)
        columns = self.some(r, 2)
        usable = [c for c in r.columns if TYPES[c['type']].family not in ('bool', 'uuid')]
        if not usable:
            return None
        c = self.rng.choice(usable)
        having = self.rng.choice(['', ' HAVING count(*) > 1'])
        return self.text('SELECT %s AS hi, count(DISTINCT %s) AS n FROM %s GROUP BY %s%s' %
                         (self.one_of(c), columns[0]['name'], r.name, self.named(columns), having),
                         [column('hi', c['type'], True), column('n', 'int8')])

    def single(self, relations):
        """One group."""
        r = self.rng.choice(relations)
        usable = [c for c in r.columns if TYPES[c['type']].family not in ('bool', 'uuid')]
        if not usable:
            return None
        c = self.rng.choice(usable)
        return self.text('SELECT %s AS lo, count(*) AS n FROM %s%s' %
                         (self.one_of(c), r.name, self.rng.choice(['', ' GROUP BY ()', ' HAVING count(*) > 2'])),
                         [column('lo', c['type'], True), column('n', 'int8')])

    def first_groups(self, relations):
        """DISTINCT ON, and DISTINCT, on top of groups."""
        r = self.rng.choice(relations)
        columns = [c for c in self.some(r, 4) if TYPES[c['type']].image_equal and not c['fuzzy']]
        if len(columns) < 2:
            return None
        a, b = columns[0], columns[1]
        made = [dict(a, name='a'), dict(b, name='b'), column('n', 'int8')]
        if self.rng.random() < 0.4:
            return self.text('SELECT DISTINCT %s AS a, %s AS b, count(*) AS n FROM %s GROUP BY %s, %s' %
                             (a['name'], b['name'], r.name, b['name'], a['name']), made)
        # (qualified: a name by itself is that of an output, if there is one of that name)
        return self.text('SELECT DISTINCT ON (q.{a}) q.{a} AS a, q.{b} AS b, count(*) AS n FROM {r} q GROUP BY q.{a}, q.{b} '
                         'ORDER BY q.{a}, count(*) DESC, q.{b}'.format(a=a['name'], b=b['name'], r=r.name), made)

    def lists(self, relations):
        """Lists in no order of their own: sorted in what they are compared with, as they are."""
        r = self.rng.choice(relations)
        texts = [c for c in r.clear() if TYPES[c['type']].family in ('int', 'enum', 'uuid', 'date')]
        if not texts:
            return None
        key, c = self.some(r, 1)[0], self.rng.choice(texts)
        source = self.rng.choice([r.name + ' s', '(SELECT * FROM %s ORDER BY %s) s' % (r.name, c['name'])])
        rows = self.rng.choice(['*', 's'])
        return self.text("SELECT %s AS k, array_to_string(@array_agg@(%s), ' ', '-') AS l, count(%s) AS n FROM %s GROUP BY %s" %
                         (key['name'], c['name'], rows, source, key['name']),
                         [column('k', key['type'], key['fuzzy']), column('l', 'text'), column('n', 'int8')])

    def computed_key(self, relations):
        """Something is computed with a key whose equal values can look different."""
        r = self.rng.choice(relations)
        keys = [c for c in r.clear() if c['type'] in ('numeric', 'float8')]
        if not keys:
            return None
        key = self.rng.choice(keys)
        sql, t = ('@key@(%s)::text', 'text') if key['type'] == 'numeric' else ('atan2(@key@(%s), -1)', 'float8')
        shown = self.rng.random() < 0.5
        call, c, hi = self.extreme(r) or ('count(*)', None, 'int8')
        made = [column('k', key['type'], True)] if shown else []
        having = self.rng.choice(['', ' HAVING count(*) > 1', ' HAVING %s IS NOT NULL AND count(*) > 0' % sql % key['name']])
        return self.text('SELECT %s%s AS c, %s AS m, count(*) AS n FROM %s GROUP BY %s%s' %
                         ('%s AS k, ' % key['name'] if shown else '', sql % key['name'], call, r.name, key['name'], having),
                         made + [column('c', t), column('m', hi, c is not None and not TYPES[c['type']].image_equal), column('n', 'int8')])

    def aggregated(self, relation):
        """A call whose results are ordered as they look."""
        ints = [c for c in relation.of('int') if not c['fuzzy']]
        if not ints or self.rng.random() < 0.4:
            return 'count(*)', 'int8'
        c = self.rng.choice(ints)
        function = self.rng.choice(['sum', 'max', 'min', 'count', 'percentile_disc(0.5) WITHIN GROUP (ORDER BY %s)'])
        t = AGGREGATED[c['type']] if function == 'sum' else 'int8' if function == 'count' else c['type']
        return function % c['name'] if '%' in function else '%s(%s)' % (function, c['name']), t

    def top_groups(self, relations):
        """LIMIT over groups."""
        rng = self.rng
        r = rng.choice(relations)
        call, t = self.aggregated(r)
        keys = self.some(r, rng.choice([1, 1, 2]))
        named = self.named(keys)
        order = '%s %s' % (call, rng.choice(['', 'DESC', 'DESC NULLS LAST']))
        tail = rng.choice(['LIMIT %d' % rng.randint(0, 4), 'OFFSET %d' % rng.randint(1, 3),
                           'LIMIT %d OFFSET %d' % (rng.randint(1, 4), rng.randint(0, 3)), 'FETCH FIRST %d ROWS ONLY' % rng.randint(1, 3)])
        having = rng.choice(['', '', ' HAVING count(*) > 1'])
        shown = [column('a', t)] if rng.random() < 0.7 else []
        return self.text('SELECT %s%s FROM %s GROUP BY %s%s ORDER BY %s, %s %s' %
                         (named, ', %s AS a' % call if shown else '', r.name, named, having, order, named, tail), keys + shown)

    def on_groups(self, relations):
        """DISTINCT, windows and set-returning functions on top of groups."""
        rng = self.rng
        r = rng.choice(relations)
        (call, t), key = self.aggregated(r), self.some(r, 1)[0]
        kind = rng.randrange(4)
        if kind == 0:
            return self.text('SELECT DISTINCT %s AS a FROM %s GROUP BY %s' % (call, r.name, key['name']), [column('a', t)])
        if kind == 1:
            return self.text('SELECT %s AS k, rank() OVER (ORDER BY %s) AS r, sum(count(*)) OVER () AS s FROM %s GROUP BY %s' %
                             (key['name'], call, r.name, key['name']),
                             [column('k', key['type'], key['fuzzy']), column('r', 'int8'), column('s', 'numeric')])
        if kind == 2:
            return self.text('SELECT %s AS k, generate_series(1, (count(*) %% 3)::int) AS i FROM %s GROUP BY %s' %
                             (key['name'], r.name, key['name']), [column('k', key['type'], key['fuzzy']), column('i', 'int4')])
        return self.text('SELECT DISTINCT ON (%s) %s AS a, q.%s AS k FROM %s q GROUP BY q.%s ORDER BY %s, q.%s' %
                         (call, call, key['name'], r.name, key['name'], call, key['name']),
                         [column('a', t), column('k', key['type'], key['fuzzy'])])

    def around_groups(self, relations):
        """A query around one that groups."""
        rng = self.rng
        r = rng.choice(relations)
        (call, t), key = self.aggregated(r), self.some(r, 1)[0]
        inner = rng.choice(['SELECT %s AS k, %s AS a FROM %s GROUP BY %s' % (key['name'], call, r.name, key['name']),
                            'SELECT DISTINCT %s AS k, NULL::%s AS a FROM %s' % (key['name'], t, r.name),
                            'SELECT %s AS k, %s AS a FROM %s GROUP BY %s ORDER BY 2, 1 LIMIT 3' % (key['name'], call, r.name, key['name'])])
        outer = rng.choice(['SELECT a, count(*) AS n FROM %s GROUP BY a', 'SELECT max(a) AS a, count(k) AS n FROM %s',
                            'SELECT a, 1::int8 AS n FROM %s WHERE k IS NOT NULL'])
        if rng.random() < 0.3:
            return self.text('WITH s AS (%s) %s' % (inner, outer % 's'), [column('a', t), column('n', 'int8')])
        return self.text(outer % ('(%s) s' % inner), [column('a', t), column('n', 'int8')])

    def lateral(self, relations):
        """A subquery in FROM that looks at what is left of it."""
        found = self.pair(relations)
        if not found:
            return None
        a, b, c, d = found
        key = self.some(a, 1)[0]
        return self.text('SELECT x.%s AS k, q.n FROM %s x %s (SELECT count(*) AS n FROM %s y WHERE y.%s = x.%s) q ON q.n <> 1' % (
            key['name'], a.name, self.rng.choice(['JOIN LATERAL', 'LEFT JOIN LATERAL']), b.name, d['name'], c['name']),
            [column('k', key['type'], key['fuzzy']), column('n', 'int8')])

    def scalar(self, relations):
        """A subquery among what is shown."""
        found = self.pair(relations)
        if not found:
            return None
        a, b, c, d = found
        key = self.some(a, 1)[0]
        what = self.rng.choice(['count(*)', 'count(DISTINCT y.%s)' % self.rng.choice(b.columns)['name']])
        return self.text('SELECT x.%s AS k, (SELECT %s FROM %s y WHERE y.%s = x.%s) AS n FROM %s x' % (
            key['name'], what, b.name, d['name'], c['name'], a.name), [column('k', key['type'], key['fuzzy']), column('n', 'int8')])

    def constants(self, relations):
        """Joined with rows that are written out."""
        r = self.rng.choice(relations)
        if not r.of('int'):
            return None
        c = self.rng.choice(r.of('int'))['name']
        return self.text("SELECT v.label, count(%s) AS n FROM (VALUES (0, 'none'), (1, 'one'), (2, 'few'), (3, 'few')) v (x, label) %s JOIN %s r "
                         'ON r.%s = v.x GROUP BY v.label' % (c, self.rng.choice(['', 'LEFT']), r.name, c),
                         [column('label', 'text'), column('n', 'int8')])

    def nested(self, relations):
        """Groups of groups."""
        r = self.rng.choice(relations)
        key, c = self.some(r, 1)[0], self.some(r, 1)[0]
        return self.text('SELECT q.n, count(*) AS m, sum(q.d) AS s FROM (SELECT %s, count(*) AS n, count(DISTINCT %s) AS d FROM %s GROUP BY %s) q '
                         'GROUP BY q.n' % (key['name'], c['name'], r.name, key['name']),
                         [column('n', 'int8'), column('m', 'int8'), column('s', 'numeric')])

    def kept_groups(self, relations):
        """Joins with subqueries that group."""
        found = self.pair(relations)
        if not found:
            return None
        rng = self.rng
        a, b, c, d = found
        (call, t), key = self.aggregated(b), self.some(a, 1)[0]
        having = rng.choice(['', '', ' HAVING count(*) > 1'])
        inner = 'SELECT {0} AS k, {1} AS s, count(*) AS n FROM {2} GROUP BY {0}{3}'.format(d['name'], call, b.name, having)
        k, kind = column('k', key['type'], key['fuzzy']), rng.randrange(7)
        how = rng.choice(['JOIN', 'JOIN', 'LEFT JOIN'])
        if kind == 0:
            return self.text('SELECT x.%s AS k, count(q.s) AS c, sum(q.n) AS n FROM %s x %s (%s) q ON q.k = x.%s GROUP BY x.%s' % (
                key['name'], a.name, how, inner, c['name'], key['name']), [k, column('c', 'int8'), column('n', 'numeric')])
        if kind == 1:
            return self.text('SELECT x.%s AS k, q.s, q.n FROM %s x %s (%s) q ON q.k = x.%s WHERE %s' % (
                key['name'], a.name, how, inner, c['name'], rng.choice(['true', 'q.n > 1', 'x.%s IS NOT NULL' % key['name']])),
                [k, column('s', t), column('n', 'int8')])
        if kind == 2:
            return self.text('WITH p AS (%s), q AS (SELECT n, count(*) AS m, sum(n) AS o FROM p GROUP BY n) SELECT p.s, q.m, q.o FROM p JOIN q ON p.n = q.n' %
                             inner, [column('s', t), column('m', 'int8'), column('o', 'numeric')])
        if kind == 3:
            return self.text('SELECT n, count(*) AS m FROM (SELECT p.n + q.n AS n FROM (%s) p %s (%s) q ON p.n = q.n) r GROUP BY n' % (
                inner, rng.choice(['JOIN', 'LEFT JOIN', 'FULL JOIN']), inner), [column('n', 'int8'), column('m', 'int8')])
        if kind == 4:
            return self.text('SELECT n FROM (%s) q UNION ALL SELECT count(*) FROM %s x JOIN (%s) q ON q.k = x.%s GROUP BY q.n' % (
                inner, a.name, inner, c['name']), [column('n', 'int8')])
        if kind == 5:
            return self.text('SELECT m, count(*) AS c FROM (SELECT n, count(*) AS m, max(s) AS s FROM (%s) q GROUP BY n) r GROUP BY m' % inner,
                             [column('m', 'int8'), column('c', 'int8')])
        return self.text('SELECT x.%s AS k, one.n, one.s FROM %s x CROSS JOIN (SELECT count(*) AS n, %s AS s FROM %s) one' % (
            key['name'], a.name, call, b.name), [k, column('n', 'int8'), column('s', t)])

    def kept_rows(self, relations):
        """Queries over the first rows of each partition, and over distinct ones."""
        found = self.pair(relations)
        if not found:
            return None
        rng = self.rng
        a, b, c, d = found
        v, key = self.some(b, 1)[0], self.some(a, 1)[0]
        usual = {'d': d['name'], 'v': v['name'], 'b': b.name}
        inner, first = rng.choice([
            ('SELECT DISTINCT ON ({d}) {d} AS k, {v} AS v FROM {b} ORDER BY {d}, {v}', 'true'),
            ('SELECT {d} AS k, {v} AS v, row_number() OVER (PARTITION BY {d} ORDER BY {v}) AS r FROM {b}', 'q.r = 1'),
            ('SELECT {d} AS k, {v} AS v, rank() OVER (PARTITION BY {d} ORDER BY {v} DESC) AS r FROM {b}', 'q.r < 3'),
            ('SELECT {d} AS k, {v} AS v, count(*) OVER (PARTITION BY {d}) AS r FROM {b}', 'q.r <> 2 AND q.v IS NOT NULL'),
            ('SELECT {v} AS v, count(*) OVER (PARTITION BY {d}) AS k FROM {b}', 'true'),
            ('SELECT DISTINCT {d} AS k, {v} AS v FROM {b}', 'q.v IS NOT NULL'),
            ('SELECT {d} AS k, {v} AS v FROM {b} UNION SELECT {d}, {v} FROM {b} WHERE {v} IS NULL', 'true')])
        inner = inner.format(**usual)
        kind = rng.randrange(3)
        if kind == 0 or ' AS k, ' not in inner:
            return self.text('SELECT q.v, count(*) AS n FROM (%s) q WHERE %s GROUP BY q.v' % (inner, first),
                             [column('v', v['type'], True), column('n', 'int8')])
        if kind == 1:
            return self.text('SELECT x.%s AS k, count(q.v) AS n FROM %s x LEFT JOIN (%s) q ON q.k = x.%s AND %s GROUP BY x.%s' % (
                key['name'], a.name, inner, c['name'], first, key['name']), [column('k', key['type'], key['fuzzy']), column('n', 'int8')])
        return self.text('SELECT x.%s AS k, count(*) AS n FROM %s x JOIN (%s) q ON q.k = x.%s WHERE %s GROUP BY x.%s' % (
            key['name'], a.name, inner, c['name'], first, key['name']), [column('k', key['type'], key['fuzzy']), column('n', 'int8')])

    def by_table(self, relations):
        """What depends on which table of a tree a row is in."""
        rng = self.rng
        tables = [r for r in relations if r.table]
        if not tables:
            return None
        r = rng.choice(tables)
        key = self.some(r, 1)[0]
        own = "tableoid %s '%s'::regclass" % (rng.choice(['=', '<>']), r.name.replace('ONLY ', ''))
        k, kind = column('k', key['type'], key['fuzzy']), rng.randrange(5)
        if kind == 0:
            return self.text('SELECT %s AS o, %s AS k, count(*) AS n FROM %s GROUP BY %s, %s' % (own, key['name'], r.name, own, key['name']),
                             [column('o', 'bool'), k, column('n', 'int8')])
        if kind == 1:
            return self.text('SELECT %s AS k, count(*) AS n, count(DISTINCT tableoid) AS d FROM %s WHERE %s GROUP BY %s' % (
                key['name'], r.name, own, key['name']), [k, column('n', 'int8'), column('d', 'int8')])
        if kind == 2:
            return self.text('SELECT DISTINCT %s AS o, %s AS k FROM %s' % (own, key['name'], r.name), [column('o', 'bool'), k])
        if kind == 3:
            return self.text('SELECT %s AS k, rank() OVER (PARTITION BY %s ORDER BY count(*), %s) AS r FROM %s GROUP BY tableoid, %s' % (
                key['name'], key['name'], own, r.name, key['name']), [k, column('r', 'int8')])
        return self.text('SELECT id, %s AS o, %s AS k FROM %s' % (own, key['name'], r.name), [column('id', 'int4'), column('o', 'bool'), k])

    def whole_rows(self, relations):
        """Rows as values."""
        rng = self.rng
        tables = [r for r in relations if r.table]
        if not tables:
            return None
        r, kind = rng.choice(tables), rng.randrange(5)
        key = self.some(r, 1)[0]
        k, n = column('k', key['type'], key['fuzzy']), column('n', 'int8')
        if kind == 0:
            return self.text('SELECT (x).%s AS k, count(x) AS n, count(DISTINCT x) AS d FROM %s x GROUP BY (x).%s' % (key['name'], r.name, key['name']),
                             [k, n, column('d', 'int8')])
        if kind == 1:
            return self.text('SELECT count(*) AS n, x IS NULL AS e FROM %s x GROUP BY x' % r.name, [n, column('e', 'bool')])
        if kind == 2:
            return self.text("SELECT to_jsonb(x) ->> 'id' AS j, (x).%s AS k FROM %s x" % (key['name'], r.name), [column('j', 'text'), k])
        other = rng.choice(tables)
        return self.text('SELECT x IS NULL AS e, y.%s AS k, count(x) AS n FROM %s y %s JOIN %s x ON x.id = y.id GROUP BY 1, 2' % (
            key['name'], r.name, rng.choice(['LEFT', 'INNER', 'FULL']), other.name), [column('e', 'bool'), k, n])

    def recursive(self, relations):
        r = self.rng.choice(relations)
        if not r.of('int'):
            return None
        c = self.rng.choice(r.of('int'))['name']
        return self.text('WITH RECURSIVE w(n, d) AS (SELECT %s::int8, 0 FROM %s WHERE %s BETWEEN 0 AND 3 UNION '
                         'SELECT n - 1, d + 1 FROM w WHERE n > 0) SELECT n, count(*) AS c FROM w GROUP BY n' %
                         (c, r.name, c), [column('n', 'int8'), column('c', 'int8')])
