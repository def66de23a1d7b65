"""One run of one variant.  A figure is a rate: transactions a second."""

import os
import re
import statistics
import subprocess
import time

import psycopg2

from . import variants


class RunFailed(Exception):
    """A run gave no figure."""


class Server:
    """The throw-away cluster that scripts/bench has started."""

    def __init__(self, options):
        self.options = options
        self.has_pg_ivm = options.pg_ivm
        self.version = self.connect('none').server_version

    def connect(self, variant):
        connection = psycopg2.connect(options=variants.options(variant))
        connection.autocommit = True
        return connection

    def run(self, variant, *statements):
        """Run statements one by one; the rows of the last one, if it has any."""
        connection = self.connect(variant)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def value(self, statement):
        return self.run('none', statement)[0][0]

    # --- tables ---------------------------------------------------------------------------------------

    def load(self, variant, workload):
        name = variants.schema(variant)
        self.run(variant, 'CREATE SCHEMA ' + name, workload.fill(workload.scenario['setup']), 'VACUUM ANALYZE')
        if workload.texts['kind'] != 'create':
            self.run(variant, *(workload.fill(text) for text in variants.make(variant, workload)))

    def unload(self, variant):
        self.run(variant, 'DROP SCHEMA IF EXISTS %s CASCADE' % variants.schema(variant))

    def settle(self, variant):
        """The same start for everyone."""
        tables = self.run(variant, "SELECT format('%%I.%%I', nspname, relname) FROM pg_class c, pg_namespace n "
                                   "WHERE n.oid = relnamespace AND nspname IN ('%s', 'imat') AND relkind = 'r'"
                          % variants.schema(variant))
        self.run(variant, *['VACUUM ' + table for table, in tables], 'CHECKPOINT')

    def verify(self, variant, workload):
        if variants.is_imat(variant) and workload.texts['kind'] != 'create':
            for view in variants.view_names(workload)[:3]:
                differences = self.run(variant, "SELECT imat.verify('%s')" % view)[0][0]
                if differences:
                    raise SystemExit('%s, %s: %d rows of %s differ from its query'
                                     % (workload.name, variant, differences, view))

    # --- runs -----------------------------------------------------------------------------------------

    def measure(self, variant, workload):
        """{'rate': ..., and counts of what went wrong}"""
        self.settle(variant)
        result = getattr(self, workload.texts['kind'])(variant, workload)
        self.verify(variant, workload)
        return result

    def clients(self, variant, workload):
        text = workload.texts['hand' if variant == 'hand' else 'script']
        if 'before' in workload.texts:
            self.run(variant, workload.fill(workload.texts['before']))
        statements = workload.parameters['statements']
        body = workload.fill(text).rstrip() + '\n'
        path = os.path.join(self.options.scratch, 'script.pgbench')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(body if statements == 1 else 'BEGIN;\n' + body * statements + 'COMMIT;\n')
        clients = workload.parameters['clients']
        before = self.deadlocks()
        command = ['pgbench', '-n', '-M', 'prepared', '-c', str(clients), '-j', str(min(clients, os.cpu_count())),
                   '-T', str(self.options.seconds + clients // 16), '-f', path]  # many take a while to connect
        if self.version >= 150000:
            command.append('--max-tries=100')  # before, a client that meets a deadlock gives up
        run = subprocess.run(command, capture_output=True, text=True, check=False,
                             env={**os.environ, 'PGOPTIONS': variants.options(variant)})
        rate = re.findall(r'^tps = ([0-9.]+)', run.stdout, re.M)
        if not rate:
            raise RunFailed('pgbench failed (%s, %s):\n%s%s' % (workload.name, variant, run.stdout, run.stderr))
        failed = re.findall(r'^number of failed transactions: (\d+)', run.stdout, re.M)
        return {'rate': float(rate[-1]), 'deadlocks': self.deadlocks() - before,
                'failed': int(failed[0] if failed else 0) + run.stderr.count('aborted')}

    def deadlocks(self):
        return self.value('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')

    def timed(self, variant, workload):
        texts = {name: workload.fill(text, dir=self.options.scratch) for name, text in workload.texts.items()}
        change = texts['hand_run'] if variant == 'hand' else texts['run']
        refresh = variants.after_change(variant)
        connection = self.connect(variant)
        times, start = [], time.monotonic()
        with connection.cursor() as cursor:
            while not times or (len(times) < 9 and time.monotonic() - start < self.options.seconds):
                if 'before' in texts:
                    cursor.execute(texts['before'])
                began = time.perf_counter()
                cursor.execute(change)
                if refresh:
                    cursor.execute(refresh)
                times.append(time.perf_counter() - began)
                if 'after' in texts:
                    cursor.execute(texts['after'])
                    if refresh:
                        cursor.execute(refresh)
        connection.close()
        return {'rate': 1 / statistics.median(times)}

    def create(self, variant, workload):
        query = workload.fill(workload.scenario['query'])
        view = 'CREATE MATERIALIZED VIEW made AS ' + query
        name = variants.schema(variant) + '.made'
        timed = {'matview': [view],
                 'matview_index': [view, 'CREATE UNIQUE INDEX ON made (%s)' % workload.scenario['key']],
                 'create': ["SELECT imat.create('%s', $$%s$$)" % (name, query)],
                 'convert': ["SELECT create_imat('%s')" % name]}[variant]
        connection = self.connect(variant)
        with connection.cursor() as cursor:
            if variant == 'convert':
                cursor.execute(view)
            began = time.perf_counter()
            for statement in timed:
                cursor.execute(statement)
            taken = time.perf_counter() - began
            cursor.execute('DROP %s made' % ('MATERIALIZED VIEW' if 'matview' in variant else 'TABLE'))
        connection.close()
        return {'rate': 1 / taken}

    # --- conditions -------------------------------------------------------------------------------------

    def conditions(self):
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            model = re.search(r'^model name\s*: (.*)', file.read(), re.M)
        shown = ['%s %s' % (name, self.value('SHOW ' + name)) for name in (
            'fsync', 'synchronous_commit', 'shared_buffers', 'wal_level', 'autovacuum')]
        return 'PostgreSQL %s, %d cores (%s), %s. Clients on the same machine.' % (
            self.value('SHOW server_version').split()[0], os.cpu_count(), model[1] if model else 'unknown', ', '.join(shown))
