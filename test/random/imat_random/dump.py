"""Dump, restore, upgrade: a random database is moved in the middle of its scenario.

The first half of the work is done in one database. Then it is dumped and restored into another one, in some format; or
the whole cluster is upgraded (test/upgrade/run does so between the two phases). The second half is done in what came
out of it, and after each transaction every IMAT is compared with its definition, which is kept beside it as a plain
view. After a dump the same is done in the original too, and all tables come to the same contents.
"""

import json
import os
import random
import shutil
import subprocess
import tempfile
from collections import Counter

import psycopg2

from .meta import Player
from .replay import BadScenario, Comparer, Failure, Session, code_of, connect, create_database, drop_database, harness_error, show_difference
from . import queries

FORMATS = ['plain', 'custom', 'directory', 'tar']


def choose(seed):
    return random.Random(seed).choice(FORMATS)


def command(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    if done.returncode or 'WARNING' in done.stdout:
        raise Failure('restore', '%s\n%s' % (' '.join(words), done.stdout))


def move(source, target, how):
    """Dump one database and restore it as another."""
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, 'dump')
    admin = connect('postgres', 'public', 'UTC')
    admin.cursor().execute('CREATE DATABASE %s TEMPLATE template0' % target)
    admin.close()
    try:
        jobs = ['-j', '2'] if how == 'directory' else []
        command('pg_dump', '-d', source, '-F', how[0], '-f', path, *jobs)
        if how == 'plain':
            command('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', os.devnull, '-d', target, '-f', path)
        else:
            command('pg_restore', '--exit-on-error', '-d', target, *(['-j', '2'] if how != 'tar' else []), path)
    finally:
        shutil.rmtree(directory)


class Place:
    """A database in which the scenario is played, and what is compared there."""

    def __init__(self, owner, database):
        self.scenario, self.stats, self.log = owner.scenario, owner.stats, owner.log
        self.imats = owner.imats
        self.comparer = Comparer(owner.scenario)
        self.database = database
        self.before = {}
        self.checker = Session(connect(database, 'm0', self.scenario['zone']))

    def play(self):
        self.player = Player(self, 0, None)

    def close(self):
        for session in (getattr(getattr(self, 'player', None), 'session', None), self.checker):
            if session:
                session.connection.close()

    def rows_of(self, schema, name, columns=None):
        columns = columns or [c for c in self.comparer.described(self.checker, 'm0.' + name) if not c[0].startswith('x')]
        self.comparer.fuzzy.setdefault(name, [False] * 50)
        return self.comparer.multiset(name, columns, self.checker.rows(self.comparer.query(name, columns, schema + '.')))

    def registered(self):
        rows = self.checker.rows("SELECT relname FROM pg_class c JOIN imat.registered r ON r.imat = c.oid ORDER BY 1")
        return [r[0] for r in rows]

    def keep_definitions(self):
        """As plain views beside the IMATs."""
        for name in self.registered():
            if name in self.imats:
                error = self.checker.run('CREATE VIEW shadow.%s AS %s' % (name, queries.render(self.imats[name]['query'], True)))
                if error:
                    raise BadScenario(str(error))

    def compare(self):
        """Every IMAT with its definition."""
        for (name,) in self.checker.rows("SELECT relname FROM pg_class WHERE relnamespace = 'shadow'::regnamespace ORDER BY 1"):
            if name not in self.registered():
                raise Failure('lost', '%s is no longer maintained' % name)
            columns = self.comparer.described(self.checker, 'm0.' + name)
            try:
                expected = self.rows_of('shadow', name, columns)
            except psycopg2.Error as error:
                raise Failure('missing error', 'the definition of %s fails: %s' % (name, error)) from error
            found = self.rows_of('m0', name, columns)
            self.stats['comparisons'] += 1
            self.stats['not empty'] += bool(expected)
            self.stats['changed'] += self.before.get(name) not in (None, expected)
            self.before[name] = expected
            if expected != found:
                raise Failure('mismatch', '%s does not equal its definition\n%s' % (name, show_difference(expected, found)))
            left = self.checker.rows("SELECT imat.verify('m0.%s')" % name)[0][0]
            if left != 0:
                raise Failure('verify', 'imat.verify(%s) = %d, but it equals its definition' % (name, left))

    def tables(self):
        rows = self.checker.rows("SELECT relname FROM pg_class WHERE relnamespace = 'm0'::regnamespace AND relkind IN ('r', 'p') "
                                 "AND relname ~ '^[ti][0-9]+b?$' ORDER BY 1")
        return {name: self.rows_of('m0', name) for (name,) in rows}


class Dumped:
    def __init__(self, scenario, database, stats, log):
        self.scenario = scenario
        self.database = database
        self.moved = database + '_r'
        self.stats = stats
        self.log = log
        self.imats = {i['name']: i for i in scenario['imats']}
        self.places = []

    def halves(self):
        work = self.scenario['work']
        return work[:len(work) // 2], work[len(work) // 2:]

    def place(self, database):
        self.places.append(Place(self, database))
        return self.places[-1]

    def first_half(self):
        """Up to where it is moved."""
        drop_database(self.database)
        create_database(self.database)
        place = self.place(self.database)
        place.checker.run('CREATE SCHEMA m0')
        place.play()
        for step in self.scenario['setup']:
            error = place.player.session.step(step)
            if error:
                raise BadScenario(str(error))
        for imat in self.scenario['imats']:
            error = None if imat['later'] else place.player.create(imat)
            if error:
                raise BadScenario(str(error))
        for transaction in self.halves()[0]:
            place.player.play(transaction)
        place.keep_definitions()
        return place

    def second_half(self, place):
        place.play()
        place.compare()
        for transaction in self.halves()[1]:
            place.player.play(transaction)
            place.compare()

    def run(self):
        try:
            first = self.first_half()
            first.compare()
            before = first.tables()
            self.log.append('-- dumped (%s) and restored' % self.scenario['dump'])
            drop_database(self.moved)
            move(self.database, self.moved, self.scenario['dump'])
            second = self.place(self.moved)
            after = second.tables()
            if before != after:
                names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
                raise Failure('mismatch', 'restored with other contents: %s' % names)
            self.second_half(second)
            first.player.session.connection.close()
            self.second_half(first)
            before, after = first.tables(), second.tables()
            if before != after and not first.player.data_errors and not second.player.data_errors:
                names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
                raise Failure('mismatch', 'the same work comes to other contents after restoring: %s' % names)
            self.stats['scenarios dumped and restored'] += 1
            self.stats['format ' + self.scenario['dump']] += 1
        except psycopg2.Error as error:
            raise harness_error(error) from error
        finally:
            for place in self.places:
                place.close()
            drop_database(self.database)
            drop_database(self.moved)


# --- upgrading a cluster ------------------------------------------------------------------------------

def before_upgrade(directory, make, first_seed, count):
    """The first halves of some scenarios, each in a database of its own; how many."""
    made, seed = 0, first_seed
    while made < count:
        scenario = dict(make(seed), database='imat_upgrade_%d' % made)
        seed += 1
        dumped = Dumped(scenario, scenario['database'], Counter(), [])
        try:
            dumped.first_half().compare()
        except BadScenario:
            continue
        finally:
            for place in dumped.places:
                place.close()
        with open(os.path.join(directory, '%d.json' % made), 'w') as file:
            json.dump(scenario, file)
        made += 1
    return made


def after_upgrade(directory):
    """The second halves; the number of comparisons and of failures."""
    stats, failures = Counter(), 0
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name)) as file:
            scenario = json.load(file)
        dumped = Dumped(scenario, scenario['database'], stats, [])
        try:
            dumped.second_half(dumped.place(scenario['database']))
        except Failure as failure:
            failures += 1
            print('FAILED seed %d, %s' % (scenario['seed'], failure))
        finally:
            for place in dumped.places:
                place.close()
    return stats['comparisons'], failures
