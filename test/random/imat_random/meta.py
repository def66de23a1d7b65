"""Metamorphic checks: the same work done in another way must come to the same contents.

A scenario of one session is played in several schemas side by side: as it is, and in variants of it. After every
transaction all tables and all IMATs are compared, text by text. What is compared with is not the definition but the
other schema, so this also sees what table and definition have in common.

    statement   changes are applied after every statement
    memory      ... as soon as 64 kB are pending
    swap, keyed, delta   how the IMATs are maintained, as far as their queries allow it
    split       rows are inserted one by one
    replace     UPDATE is DELETE and INSERT
    permute     neighbouring statements that have nothing to do with each other change places
    abort       every transaction is run and rolled back before it is run; every statement too, by a savepoint
"""

import random
import re

import psycopg2

from .replay import BadScenario, Comparer, Failure, Session, check_no_trace, code_of, connect, create_database, creation, drop_database, harness_error, \
    image, show_difference
from .scenario import copy_lines, render

VARIANTS = ['statement', 'memory', 'swap', 'keyed', 'delta', 'split', 'replace', 'permute', 'abort']
CONTROL = ('SAVEPOINT', 'ROLLBACK', 'RELEASE', 'BEGIN', 'COMMIT', 'SET')
OUTSIDE = ('VACUUM', 'REINDEX')


def choose(seed):
    """The variants that a seed is played in."""
    return random.Random(seed).sample(VARIANTS, 3)


def is_outside(transaction):
    """Does it have to run outside a transaction block, or end some itself?"""
    if transaction['begin'] is not None:
        return False
    return any(step['kind'] == 'reconnect' or (render(step) or '').startswith(OUTSIDE) or
               re.search(r'\b(COMMIT|ROLLBACK)\b', render(step) or '') for step in transaction['steps'])


def in_block(transaction):
    return dict(transaction, begin='BEGIN', end='COMMIT') if transaction['begin'] is None else transaction


def words(step):
    """The tables that a statement has to do with."""
    text = render(step) or step['table']
    return {w.split('_')[0] for w in re.findall(r'\b[tvi]\d+b?(?:_\w+)?\b', text)}


class Variant:
    """How a transaction is played in another way: as a list of transactions."""

    def __init__(self, name, scenario):
        self.name = name
        self.triggers = any('CREATE TRIGGER' in (render(s) or '') for t in scenario['work'] for s in t['steps']) or \
            any('CREATE TRIGGER' in (render(s) or '') for s in scenario['setup'])
        self.parents = {w for t in scenario['work'] + [{'steps': scenario['setup']}] for s in t['steps']
                        for w in re.findall(r'\bINHERITS? \(?(t\d+)', render(s) or '')}
        self.related = any('REFERENCES' in (render(s) or '') for s in scenario['setup'])

    def first(self):
        """What the session begins with."""
        return {'statement': "SET pg_imat.flush = 'statement'", 'memory': "SET pg_imat.pending_memory = '64kB'"}.get(self.name)

    def strategy(self):
        return self.name if self.name in ('swap', 'keyed', 'delta') else None

    def applies(self):
        return not ((self.name in ('split', 'replace', 'permute') and self.triggers) or
                    (self.name in ('replace', 'permute') and self.related))

    def transactions(self, transaction):
        if is_outside(transaction) or not self.applies() or not transaction['steps']:
            return [transaction]
        if self.name == 'split':
            whole = in_block(transaction)
            return [dict(whole, steps=[part for step in whole['steps'] for part in self.split(step)])]
        if self.name == 'replace':
            return [dict(transaction, steps=[self.replaced(step) if step.get('table') not in self.parents else step
                                             for step in transaction['steps']])]
        if self.name == 'permute':
            return [dict(transaction, steps=self.permuted(list(transaction['steps'])))]
        if self.name == 'abort':
            whole = in_block(transaction)
            return [dict(whole, end='ROLLBACK'), dict(whole, steps=[part for step in whole['steps'] for part in self.tried(step)])]
        return [transaction]

    @staticmethod
    def split(step):
        if step['kind'] not in ('insert', 'copy'):
            return [step]
        return [dict(step, kind='insert', rows=[row], tail=step.get('tail', '')) for row in step['rows']]

    @staticmethod
    def replaced(step):
        if step['kind'] != 'update' or any(c == 'id' or e == 'DEFAULT' for c, e in step['set']):
            return step
        assigned = dict(step['set'])
        return {'kind': 'sql', 'text': 'WITH d AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s (%s) SELECT %s FROM d' % (
            step['target'], step['where'], step['target'], ', '.join(step['columns']),
            ', '.join('(%s)' % assigned[c] if c in assigned else c for c in step['columns']))}

    @staticmethod
    def permuted(steps):
        n = 0
        while n + 1 < len(steps):
            here, there = steps[n], steps[n + 1]
            if all(s['kind'] in ('insert', 'copy', 'update') for s in (here, there)) and not words(here) & words(there):
                steps[n], steps[n + 1] = there, here
                n += 1
            n += 1
        return steps

    @staticmethod
    def tried(step):
        if step['kind'] in ('sql', 'live') and step['text'].startswith(CONTROL):
            return [step]
        return [{'kind': 'sql', 'text': 'SAVEPOINT tried'}, step, {'kind': 'sql', 'text': 'ROLLBACK TO tried'},
                {'kind': 'sql', 'text': 'RELEASE tried'}, step]


class Player:
    """A schema, a session in it, and the variant that is played there."""

    def __init__(self, owner, number, variant):
        self.owner = owner
        self.schema = 'm%d' % number
        self.variant = variant
        self.prepared = 0
        self.data_errors = False
        self.open()

    def open(self):
        self.session = Session(connect(self.owner.database, self.schema, self.owner.scenario['zone'],
                                       **self.owner.scenario.get('settings', {})))
        if self.variant and self.variant.first():
            self.session.run(self.variant.first())

    def note(self, text):
        self.owner.log.append('/* %s */ %s' % (self.variant.name if self.variant else 'as it is', text))

    def run(self, text):
        self.note(text)
        return self.judge(self.session.run(text))

    def judge(self, error):
        """Data exceptions depend on what is computed in between."""
        if error:
            code = code_of(error)
            if code.startswith('XX') or code in ('40P01', '55P03', '57014'):
                raise Failure('error ' + code, str(error))
            self.data_errors = self.data_errors or code.startswith('22')
        return error

    def create(self, imat):
        how = 'convert' if imat['how'] == 'moved' else imat['how']
        for part in creation(dict(imat, how=how)):
            error = self.run(part)
            if error:
                return error
        strategy = self.variant and self.variant.strategy()
        if strategy:
            wrapped = self.session.in_transaction()
            if wrapped:
                self.run('SAVEPOINT _a')
            error = self.session.run("SELECT imat.alter('%s', strategy => '%s')" % (imat['name'], strategy))
            if wrapped:
                self.run('ROLLBACK TO _a' if error else 'RELEASE _a')
        return None

    def step(self, step):
        kind = step['kind']
        control = kind in ('sql', 'live') and step['text'].startswith(CONTROL)
        if self.session.aborted() and not control:
            return
        if kind == 'reconnect':
            self.session.connection.close()
            self.open()
        elif kind == 'create':
            self.create(self.owner.imats[step['imat']])
        elif kind == 'read':
            self.run('SELECT count(*) FROM (SELECT * FROM %s OFFSET 0) q' % step['imat'])
        elif kind == 'copy':
            self.note('COPY %s (%s) FROM STDIN;\n%s\\.' % (step['table'], ', '.join(step['columns']), copy_lines(step)))
            self.judge(self.session.copy(step))
        else:
            self.run(render(step))

    def play(self, transaction):
        if transaction['begin']:
            self.run(transaction['begin'])
        for step in transaction['steps']:
            self.step(step)
        if not transaction['end']:
            return
        end = transaction['end']
        if not end.startswith('PREPARE') or self.session.aborted():
            self.run('ROLLBACK' if self.session.aborted() or end.startswith('PREPARE') else end)
            return
        self.prepared += 1
        gid = '%s_%s_%d' % (self.owner.database, self.schema, self.prepared)
        if not self.run("PREPARE TRANSACTION '%s'" % gid):
            self.run("%s PREPARED '%s'" % ('ROLLBACK' if end.endswith('ROLLBACK') else 'COMMIT', gid))


class Metamorphic:
    def __init__(self, scenario, database, stats, log):
        self.scenario = scenario
        self.database = database
        self.stats = stats
        self.log = log
        self.imats = {i['name']: i for i in scenario['imats']}
        self.comparer = Comparer(scenario)
        self.players = []
        self.contents_before = {}

    def open(self):
        drop_database(self.database)
        create_database(self.database)
        self.checker = Session(connect(self.database, 'public', self.scenario['zone']))
        variants = [None] + [Variant(name, self.scenario) for name in self.scenario['variants']]
        for number in range(len(variants)):
            self.checker.run('CREATE SCHEMA m%d' % number)
        self.players = [Player(self, number, variant) for number, variant in enumerate(variants)]

    def close(self):
        for player in self.players:
            player.session.connection.close()
        if hasattr(self, 'checker'):
            self.checker.connection.close()
        drop_database(self.database)

    def set_up(self):
        errors = []
        for player in self.players:
            error = None
            for step in self.scenario['setup']:
                error = error or player.session.step(step)
            for imat in self.scenario['imats']:
                if not imat['later']:
                    error = error or player.create(imat)
            errors.append(error)
        if errors[0]:
            raise BadScenario(str(errors[0]))
        for player, error in zip(self.players, errors):
            if error:
                raise Failure('create ' + code_of(error), '%s: %s' % (player.variant.name, error))

    # --- comparing ----------------------------------------------------------------------------------

    def columns(self, schema, name):
        """Not those that were added on the way, whose defaults may be the time of day."""
        return [c for c in self.checker.columns(schema + '.' + name) if not c[0].startswith('x')]

    def relations(self, schema):
        rows = self.checker.rows("SELECT relname FROM pg_class WHERE relnamespace = '%s'::regnamespace "
                                 "AND relkind IN ('r', 'p') AND relname ~ '^[ti][0-9]+b?$' ORDER BY 1" % schema)
        return [r[0] for r in rows]

    def contents(self, schema):
        found = {}
        for name in self.relations(schema):
            columns = self.columns(schema, name)
            rows = self.checker.rows(self.comparer.query(name, columns, schema + '.'))
            self.comparer.fuzzy.setdefault(name, [False] * 50)
            found[name] = self.comparer.multiset(name, columns, rows)
        return found

    def compare(self):
        base = self.contents('m0')
        for name in base:
            self.stats['changed'] += (len(self.players) - 1) * (self.contents_before.get(name) not in (None, base[name]))
        self.contents_before = base
        for player in self.players[1:]:
            if player.session is None:
                continue
            found = self.contents(player.schema)
            self.stats['comparisons'] += len(base)
            self.stats['not empty'] += sum(bool(c) for c in base.values())
            self.stats['variant ' + player.variant.name] += player.variant.applies()
            if found == base:
                continue
            if player.data_errors or self.players[0].data_errors:
                raise self.Diverged
            different = [n for n in {**base, **found} if base.get(n) != found.get(n)]
            first = different[0]
            raise Failure('mismatch', '%s differ between what is done as it is, and "%s"\n%s' % (
                different, player.variant.name, show_difference(base.get(first) or {}, found.get(first) or {})
                if first in base and first in found else 'only one of them has it'))

    def play(self, player, transaction):
        """What is rolled back leaves no trace, not one that only looks different."""
        aborted = player.variant and player.variant.name == 'abort' and transaction['begin'] and transaction['end'] == 'ROLLBACK'
        before = image(self.checker, player.schema) if aborted else None
        player.play(transaction)
        if aborted:
            check_no_trace(before, image(self.checker, player.schema))
            self.stats['found without a trace'] += 1

    class Diverged(Exception):
        """A data exception on the way made them go different ways, which is right."""

    def run(self):
        try:
            self.open()
            self.set_up()
            self.compare()
            for transaction in self.scenario['work']:
                for player in self.players:
                    played = player.variant.transactions(transaction) if player.variant else [transaction]
                    for one in played:
                        self.play(player, one)
                self.compare()
            for player in self.players:
                for name in self.imats:
                    left = player.session.rows("SELECT sum(imat.verify(c.oid)) FROM pg_class c WHERE relname = '%s' AND "
                                               "relnamespace = '%s'::regnamespace AND relkind = 'r'" % (name, player.schema))
                    if left[0][0]:
                        raise Failure('verify', 'imat.verify(%s) = %d' % (name, left[0][0]))
            self.stats['scenarios in variants'] += 1
        except self.Diverged:
            self.stats['diverged'] += 1
        except psycopg2.Error as error:
            raise harness_error(error) from error
        finally:
            self.close()
