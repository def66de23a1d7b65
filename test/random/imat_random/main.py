"""The program: seeds, workers, failures."""

import argparse
import json
import multiprocessing
import os
import sys
import time

from . import dump, meta, replay, sessions, shrink
from .scenario import Maker


def arguments():
    parser = argparse.ArgumentParser(prog='test/random/run', description=__doc__)
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--seed', type=int, help='this seed only (a scenario), and no other')
    parser.add_argument('--first-seed', type=int, help='this seed and those that follow it')
    parser.add_argument('--sessions', type=int, default=0, help='this many sessions in every scenario (default: one in four '
                                                                'scenarios has three)')
    parser.add_argument('--variants', nargs='?', const='random', help='only metamorphic checks (default: in one of five scenarios '
                                                                      'of one session); these variants (meta.py), or any')
    parser.add_argument('--dump', nargs='?', const='random', help='only dumping and restoring in the middle (default: in one of '
                                                                  'ten scenarios); in this format, or any')
    parser.add_argument('--joins', action='store_true', help='only scenarios that are about joins (default: one in three)')
    parser.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    parser.add_argument('--keep-going', action='store_true', help='do not stop at the first failure')
    parser.add_argument('--no-shrink', action='store_true')
    parser.add_argument('--shrink-seconds', type=float, default=90)
    parser.add_argument('--tries', type=int, default=4, help='how often a smaller scenario of several sessions is tried')
    parser.add_argument('--upgrade', nargs=2, metavar=('before|after', 'DIRECTORY'), help='one phase of test/upgrade/run')
    parser.add_argument('--databases', type=int, default=5, help='how many databases are upgraded')
    parser.add_argument('--replay', help='a kept failure (.json): run it again')
    parser.add_argument('--failures', default=os.path.join(os.path.dirname(os.path.dirname(__file__)), 'failures'))
    return parser.parse_args()


def sessions_of(seed, wanted):
    return wanted or (3 if seed % 4 == 3 else 1)


def make(seed, options):
    """The scenario of a seed, and how it is to be played."""
    free = not (options.variants or options.dump or options.sessions)
    variants = options.variants or (free and seed % 5 == 4)
    dumped = options.dump or (free and seed % 10 == 2)
    sessions_wanted = 1 if variants or dumped else sessions_of(seed, options.sessions)
    maker = Maker(seed, sessions_wanted, options.version, options.citext)
    if options.joins:
        maker.joins = True
    maker.dumped = bool(dumped)
    maker.may_lack_partitions = not variants  # where one is lacking, half of a split INSERT fails
    scenario = maker.scenario()
    if dumped:
        scenario['dump'] = dump.choose(seed) if options.dump in (None, 'random') else options.dump
    if variants:
        scenario['variants'] = meta.choose(seed) if options.variants in (None, 'random') else options.variants.split(',')
    return scenario


def runner_of(scenario):
    if 'variants' in scenario:
        return meta.Metamorphic
    if 'dump' in scenario:
        return dump.Dumped
    return replay.Replay if scenario['sessions'] == 1 else sessions.Concurrent


def attempt(scenario, database, stats):
    """Run a scenario; (failure or None, log)."""
    log = []
    runner = runner_of(scenario)(scenario, database, stats, log)
    try:
        runner.run()
    except replay.Failure as failure:
        return failure, log
    except replay.BadScenario as bad:
        stats['bad scenarios'] += 1
        stats['bad: ' + str(bad).split('\n')[0][:100]] += 1
    return None, log


def worker(number, options, first, deadline, found, stop):
    stats = replay.Stats()
    failures = 1
    try:
        failures = work(number, options, first, deadline, stop, stats)
    finally:
        found.put((stats, failures))


def work(number, options, first, deadline, stop, stats):
    """Scenario after scenario; the number of failures."""
    failures = 0
    seed = first + number
    while time.time() < deadline and not stop.is_set():
        if options.seed is not None:
            seed = options.seed
        scenario = make(seed, options)
        failure, log = attempt(scenario, 'imat_random_%d' % number, stats)
        if failure and failure.kind == 'harness 57P01' and not options.keep_going:
            wait_for_server()
            failure, log = attempt(scenario, 'imat_random_%d' % number, stats)
        if failure:
            failures += 1
            report(scenario, failure, log, options, number)
            if not options.keep_going:
                stop.set()
        if options.seed is not None:
            break
        seed += options.jobs
    return failures


def wait_for_server():
    """Another worker's scenario may have crashed it."""
    for _ in range(100):
        try:
            replay.connect('postgres', 'public', 'UTC').close()
            return
        except replay.psycopg2.Error:
            time.sleep(0.2)


def report(scenario, failure, log, options, number):
    seed = scenario['seed']
    print('FAILED seed %d (%d sessions), %s' % (seed, scenario['sessions'], failure), flush=True)
    try:
        os.makedirs(options.failures, exist_ok=True)
        if not os.access(options.failures, os.W_OK):
            raise PermissionError
    except OSError:
        options.failures = os.path.join(os.environ.get('TMPDIR', '/tmp'), 'imat_random_failures')
        os.makedirs(options.failures, exist_ok=True)
    if not options.no_shrink:
        def fails(candidate):
            for _ in range(1 if candidate['sessions'] == 1 else options.tries):
                try:
                    again, lines = attempt(candidate, 'imat_random_%d' % number, replay.Stats())
                except (LookupError, replay.psycopg2.Error):  # what is left of it makes no sense
                    wait_for_server()
                    return None
                if again:
                    return again, lines
            return None
        scenario, failure, log = shrink.shrink(scenario, failure, log, fails, options.shrink_seconds)
    path = os.path.join(options.failures, 'seed_%d' % seed)
    with open(path + '.json', 'w') as file:
        json.dump(scenario, file, indent=1, ensure_ascii=False)
    text = shrink.script(scenario, failure, log)
    with open(path + '.sql', 'w') as file:
        file.write(text)
    if not options.no_shrink:
        print('--- %s.sql\n%s---' % (path, text), flush=True)


def main():
    options = arguments()
    sys.stdout.reconfigure(line_buffering=True)
    replay.make_template()
    probe = replay.connect('postgres', 'public', 'UTC')
    options.version = probe.server_version
    options.citext = replay.has_citext(probe)
    probe.close()
    if options.replay:
        with open(options.replay) as file:
            scenario = json.load(file)
        stats = replay.Stats()
        failure, log = attempt(scenario, 'imat_random_r', stats)
        print(shrink.script(scenario, failure, log))
        print('%d passed, %d failed' % (stats['comparisons'], bool(failure)))
        return 1 if failure else 0
    first = options.seed if options.seed is not None else options.first_seed
    if first is None:
        first = int.from_bytes(os.urandom(4), 'big')
    if options.upgrade:
        return upgrade(options, first)
    if options.seed is not None:
        options.jobs = 1
    print('seeds from %d, %d workers' % (first, options.jobs))
    deadline = time.time() + options.seconds
    found, stop = multiprocessing.Queue(), multiprocessing.Event()
    workers = [multiprocessing.Process(target=worker, args=(n, options, first, deadline, found, stop))
               for n in range(options.jobs)]
    for process in workers:
        process.start()
    stats, failures = replay.Stats(), 0
    for _ in workers:
        some, failed = found.get()
        stats.update(some)
        failures += failed
    for process in workers:
        process.join()
    for name, count in sorted(stats.items()):
        print('%8d %s' % (count, name))
    failures += meaningless(stats, options)
    print('%d passed, %d failed' % (stats['comparisons'] + stats['float sums'] + stats['reads'], failures))
    return 1 if failures else 0


def upgrade(options, first):
    phase, directory = options.upgrade
    if phase == 'before':
        options.dump = 'upgrade'
        print('seeds from %d' % first)
        print('%d passed, 0 failed' % dump.before_upgrade(directory, lambda seed: make(seed, options), first, options.databases))
        return 0
    passed, failures = dump.after_upgrade(directory)
    print('%d passed, %d failed' % (passed, failures))
    return 1 if failures or not passed else 0


def meaningless(stats, options):
    """A test that would pass with maintenance switched off is none."""
    if options.seed is not None or stats['comparisons'] < 300:
        return 0
    complaints = []
    if stats['not empty'] < 0.4 * stats['comparisons']:
        complaints.append('most results were empty')
    if stats['changed'] < 0.05 * stats['comparisons']:
        complaints.append('results hardly ever changed')
    if stats['meant for delta'] > 20 and stats['meant for delta, by delta'] < 0.6 * stats['meant for delta']:
        complaints.append('delta maintained too few of the views that are meant for it')
    if stats['joins meant for delta'] > 20 and stats['joins meant for delta, by delta'] < 0.6 * stats['joins meant for delta']:
        complaints.append('delta maintained too few of the joins that are meant for it')
    if stats['joins meant for delta'] > 20 and stats['joins that changed'] < 0.15 * stats['joins meant for delta']:
        complaints.append('joins hardly ever changed')
    if stats['group views'] > 20 and stats['deltas'] == 0:
        complaints.append('delta never did anything')
    # (view by view: one that each row of a statement refreshes outweighs all others)
    if stats['delta at work'] > 20 and stats['delta at work, mostly swapped'] > 0.5 * stats['delta at work']:
        complaints.append('what delta maintains was swapped more often than not')
    good = sum(stats[s] for s in ('scenarios', 'scenarios of several sessions', 'scenarios in variants',
                                  'scenarios dumped and restored'))
    if stats['bad scenarios'] > 0.2 * (good + stats['bad scenarios']):
        complaints.append('too many scenarios could not be set up')
    for complaint in complaints:
        print('FAILED: ' + complaint)
    return len(complaints)


if __name__ == '__main__':
    sys.exit(main())
