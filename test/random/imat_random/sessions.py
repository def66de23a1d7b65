"""Several sessions at once, each with random transactions over rows of its own; at quiet points everything is compared.

Sessions never change the same row of a source, so they can't meet each other there. Whoever waits, waits for
maintenance; and where sessions write only, a deadlock is one that maintenance made, a serialization failure at READ
COMMITTED or REPEATABLE READ is, too, and both are failures. But a deadlock may be due to a definition that fails: what can't be
told of rows is rebuilt, for which locks are raised late (flush/locks.cpp).
"""

import threading
import time

import psycopg2

from . import queries
from .replay import BadScenario, Comparer, Failure, LARGE, PEEK, Session, code_of, connect, create_database, creation, \
    drop_database, harness_error, note_strategy, show_difference
from .scenario import copy_lines, render

RETRIES = 20
SLOW = 2  # seconds
LONG = 10

# Errors that statements may have by themselves: data exceptions and violated constraints, what follows from them, and
# savepoints that are gone.
EXPECTED = ('22', '23', '25P02', '3B', '42P01', 'P0001')

# What becomes of DDL depends on what has become of the DDL before it: the child is one already, the partition isn't away.
DDL = ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE')
DDL_ERRORS = ('42', '55000')


# Both under one snapshot: what a transaction sees of a table and of its definition is equal at any moment. (Not where
# contents are exchanged: those are seen by snapshots older than they, too.)
DIFFERENCE = "SELECT differ, current_setting('TimeZone') FROM (SELECT count(*) AS differ FROM (" \
             "(TABLE live.%(imat)s EXCEPT ALL TABLE shadow.%(imat)s) UNION ALL " \
             "(TABLE shadow.%(imat)s EXCEPT ALL TABLE live.%(imat)s)) AS d) AS c"
SUM = 'SELECT count(*) FROM (SELECT * FROM %(imat)s OFFSET 0) q'


class Concurrent:
    def __init__(self, scenario, database, stats, log):
        self.scenario = scenario
        self.database = database
        self.stats = stats
        self.log = log
        self.comparer = Comparer(scenario)
        self.failures = []
        self.deadlocks = []   # that a failing definition may be to blame for
        self.failing = False  # has one failed for somebody?
        self.longest = 0  # seconds that a statement took
        self.contents = {}
        self.moved = set()  # IMATs that were seen to change
        self.sessions = []

    def open(self):
        drop_database(self.database)
        create_database(self.database)
        zone, settings = self.scenario['zone'], self.scenario.get('settings', {})
        self.main = Session(connect(self.database, 'live', zone))
        self.sessions.append(self.main)
        # plain views of the same definitions, over the very tables
        self.reference = Session(connect(self.database, 'shadow,live', zone))
        self.sessions.append(self.reference)
        self.writers = [Session(connect(self.database, 'live', zone, **settings)) for _ in range(self.scenario['sessions'])]
        self.sessions += self.writers

    def close(self):
        for session in self.sessions:
            session.connection.close()
        drop_database(self.database)

    def set_up(self):
        error = self.main.run(PEEK)
        for step in self.scenario['setup']:
            error = error or self.main.step(step)
        if error:
            raise BadScenario(str(error))
        for imat in self.scenario['imats']:
            error = self.reference.run('CREATE VIEW shadow.%s AS %s' % (imat['name'], queries.render(imat['query'], True)))
            error = error or self.reference.run('SELECT ARRAY[q::text] FROM shadow.%s q' % imat['name'])
            for part in creation(imat):
                error = error or self.main.run(part)
            if error:
                raise BadScenario(str(error))
        self.comparable = not self.scenario.get('ddl') and \
            self.main.rows("SELECT bool_and(strategy = 'delta') FROM imat.status")[0][0]

    # --- one session --------------------------------------------------------------------------------

    def judge(self, error, transaction, text):
        code = code_of(error)
        if code in ('40P01', '40001', '55P03', '57014'):
            reads = self.scenario['reads']
            serializable = 'SERIALIZABLE' in (transaction['begin'] or '')
            repeatable = 'REPEATABLE' in (transaction['begin'] or '')
            ddl = self.scenario.get('ddl')
            if code == '40001' and (serializable or (repeatable and (reads or ddl))):
                return
            if code == '40P01' and (reads or ddl or self.scenario.get('long')):  # the first long key has an index replaced
                self.stats['deadlocks around DDL' if ddl else 'deadlocks after reads' if reads else 'deadlocks over long keys'] += 1
                return
            if code == '40P01':  # see above
                self.deadlocks.append(Failure('error ' + code, '%s\n%s' % (error, text)))
                return
            raise Failure('error ' + code, '%s\n%s' % (error, text))
        if 'invalid arbiter index list' in str(error) and self.scenario.get('ddl'):
            self.stats['ON CONFLICT beside DETACH CONCURRENTLY'] += 1  # PostgreSQL's own, without pg_imat, too
            return
        if code == '54000' and self.scenario.get('long'):  # a table's own index has no room for it
            return
        self.failing = self.failing or (code.startswith('22') and 'maintenance of' in str(error))
        if not code.startswith(EXPECTED) and not (text.startswith(DDL) and code.startswith(DDL_ERRORS)):
            raise Failure('error ' + code, '%s\n%s' % (error, text))

    def step(self, session, step, transaction, number):
        """The error or None."""
        if step['kind'] == 'read':
            step = {'kind': 'sql', 'text': (DIFFERENCE if self.comparable else SUM) % {'imat': step['imat']}}
        text = render(step) or 'COPY %s FROM STDIN\n%s' % (step['table'], copy_lines(step))
        if session.aborted() and not text.startswith('ROLLBACK'):
            return None
        self.log.append('/* %d */ %s' % (number, text))
        began = time.monotonic()
        error = session.step(step)
        if error is None:
            self.longest = max(self.longest, time.monotonic() - began)
        if error:
            self.judge(error, transaction, text)
        elif step.get('ddl'):
            self.stats['DDL while others write'] += 1
        elif text.startswith('SELECT differ'):
            differ, zone = session.cursor.fetchone()
            self.stats['reads'] += 1
            if differ and zone == self.scenario['zone']:  # the plain view goes by the session's TimeZone
                raise Failure('read', 'a transaction sees %d rows that differ from the definition\n%s' % (differ, text))
        return error

    def once(self, session, transaction, number):
        """Run a transaction; should it be tried again?"""
        if transaction['begin'] is None:
            error = self.step(session, transaction['steps'][0], transaction, number) if transaction['steps'] else None
            return error is not None and code_of(error).startswith('40')
        again = False
        session.run(transaction['begin'])
        self.log.append('/* %d */ %s' % (number, transaction['begin']))
        for step in transaction['steps']:
            error = self.step(session, step, transaction, number)
            if error and code_of(error).startswith('40'):
                again = True
                break
        end = 'ROLLBACK' if again else transaction['end']
        error = session.run(end)
        self.log.append('/* %d */ %s%s' % (number, end, ' -- ' + str(error).strip() if error else ''))
        if error:
            self.judge(error, transaction, 'COMMIT')
            again = code_of(error).startswith('40')
        self.stats['again' if again else 'transactions'] += 1
        return again

    def work(self, number, transactions, start):
        try:
            session = self.writers[number]
            start.wait()
            for transaction in transactions:
                for _ in range(RETRIES):
                    if self.failures or not self.once(session, transaction, number):
                        break
        except Failure as failure:
            self.failures.append(failure)
        except psycopg2.Error as error:
            self.failures.append(Failure('error ' + code_of(error), str(error)))
        finally:
            try:
                self.writers[number].run('ROLLBACK')
            except (Failure, psycopg2.Error):
                pass

    def is_slow(self):
        """
        Is there a query that takes so long, or has so many rows, that whoever waits for others to run it gives up? What a
        transaction made of it before it was undone is told by how long its statements took, which came to an end after all.
        """
        if self.longest > LONG:
            return True
        for imat in self.scenario['imats']:
            began = time.monotonic()
            rows = self.reference.rows('SELECT count(q::text) FROM shadow.%s q' % imat['name'])[0][0]
            if time.monotonic() - began > SLOW or rows > LARGE:
                return True
        return False

    # --- comparing ----------------------------------------------------------------------------------

    def compare(self):
        self.reference.cursor.execute('BEGIN ISOLATION LEVEL REPEATABLE READ')
        for imat in self.scenario['imats']:
            name = imat['name']
            columns = self.comparer.described(self.reference, 'live.' + name)
            try:
                expected = self.comparer.multiset(name, columns, self.reference.rows(
                    self.comparer.query(name, columns, 'shadow.')))
            except psycopg2.Error as error:
                raise Failure('missing error', 'the definition of %s fails, its maintenance did not: %s' %
                              (name, error)) from error
            found = self.comparer.multiset(name, columns, self.reference.rows(
                self.comparer.query(name, columns, 'live.')))
            self.stats['comparisons'] += 1
            self.stats['not empty'] += bool(expected)
            changed = self.contents.get(name) not in (None, expected)
            self.stats['changed'] += changed
            self.moved.update([name] * changed)
            self.contents[name] = expected
            if expected != found:
                raise Failure('mismatch', '%s does not equal its definition\n%s' %
                              (name, show_difference(expected, found)))
            left = self.reference.rows("SELECT imat.verify('live.%s')" % name)[0][0]
            if left != 0:
                raise Failure('verify', 'imat.verify(%s) = %d, but it equals its definition' % (name, left))
            if sum(expected.values()) > LARGE:
                raise BadScenario('%s, which equals its definition, has grown too large to go on with' % name)
        self.reference.cursor.execute('COMMIT')

    def run(self):
        try:
            self.open()
            self.set_up()
            self.compare()
            for one_round in self.scenario['work']:
                start = threading.Barrier(len(one_round))
                threads = [threading.Thread(target=self.work, args=(n, transactions, start))
                           for n, transactions in enumerate(one_round)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                if self.failures:
                    if self.failures[0].kind in ('error 55P03', 'error 57014') and self.is_slow():
                        raise BadScenario('transactions took too long, or waited so, for a query that takes seconds')
                    raise self.failures[0]
                self.log.append('-- quiet')
                self.compare()
            if self.deadlocks and not self.failing:
                raise self.deadlocks[0]
            self.stats['deadlocks over late rebuilds'] += len(self.deadlocks)
            for imat in self.scenario['imats']:
                note_strategy(self.main, imat, imat['name'] in self.moved, self.stats)
            self.stats['scenarios of several sessions'] += 1
        except psycopg2.Error as error:
            raise harness_error(error) from error
        finally:
            self.close()
