"""Making a failing scenario small: whatever can be left out while it still fails in the same way, is."""

import copy
import time

from . import queries
from .replay import creation
from .scenario import copy_lines, render


def transactions(scenario):
    """The lists that transactions are in."""
    if scenario['sessions'] == 1:
        return [scenario['work']]
    return [work for one_round in scenario['work'] for work in one_round]


def parts(scenario):
    """Every list of which elements may be dropped, coarse ones first."""
    yield scenario['work']
    for work in transactions(scenario):
        yield work
    yield scenario['imats']
    for work in transactions(scenario):
        for transaction in work:
            yield transaction['steps']
    yield scenario['setup']
    for imat in scenario['imats']:
        query = imat['query']
        if query['kind'] == 'group':
            for name in ('items', 'having', 'where', 'keys'):
                yield query[name]
    for step in every_step(scenario):
        if 'rows' in step:
            yield step['rows']
        if 'set' in step and len(step['set']) > 1:
            yield step['set']
    if len(scenario.get('variants', [])) > 1:
        yield scenario['variants']


def every_step(scenario):
    yield from scenario['setup']
    for work in transactions(scenario):
        for transaction in work:
            yield from transaction['steps']


def simpler(scenario):
    """Changes other than leaving out, each as a function on a copy."""
    def simple_end(t):
        if t['end'] not in (None, 'COMMIT'):
            t['end'] = 'COMMIT'
            return True
        return False

    def no_begin(t):
        if t['begin'] and len(t['steps']) == 1 and t['end'] == 'COMMIT' and t['steps'][0]['kind'] in ('sql', 'insert', 'copy', 'update'):
            t['begin'] = t['end'] = None
            return True
        return False

    def plain_begin(t):
        if t['begin'] and t['begin'] != 'BEGIN':
            t['begin'] = 'BEGIN'
            return True
        return False

    def as_insert(s):
        if s['kind'] == 'copy':
            s.update(kind='insert', tail='')
            return True
        return False

    def select(s):
        if s['kind'] == 'read' and s['how'] != 'select':
            s['how'] = 'select'
            return True
        return False

    def plain_source(i):
        query = i['query']
        if query['kind'] == 'group' and (query['with'] or '(' in query['source']):
            word = (query['with'] or query['source']).split('FROM ')[1].split()[0].rstrip(')')
            query.update({'with': '', 'source': word})
            return True
        return False

    def how(i):
        if i['how'] != 'create' or i['later']:
            i.update(how='create', later=False)
            return True
        return False

    def no_zone(s):
        if s['zone'] != 'UTC':
            s['zone'] = 'UTC'
            return True
        return False

    yield lambda s: no_zone(s)
    for change in (how, plain_source):
        for n in range(len(scenario['imats'])):
            yield lambda s, n=n, change=change: change(s['imats'][n])
    count = sum(len(w) for w in transactions(scenario))
    for change in (simple_end, plain_begin, no_begin):
        for n in range(count):
            yield lambda s, n=n, change=change: change([t for w in transactions(s) for t in w][n])
    count = sum(1 for _ in every_step(scenario))
    for change in (as_insert, select):
        for n in range(count):
            yield lambda s, n=n, change=change: change(list(every_step(s))[n])


WRONG = ('mismatch', 'read', 'verify', 'error XX001')


def alike(one, other):
    """Is it the same failure? A wrong group is noticed now here, now there."""
    return one.kind == other.kind or (one.kind in WRONG and other.kind in WRONG)


def shrink(scenario, failure, log, fails, seconds):
    """The smallest scenario found that fails alike, its failure and log."""
    deadline = time.time() + seconds
    best = [scenario, failure, log]

    def works(candidate):
        if time.time() > deadline:
            return False
        again = fails(candidate)
        if again and alike(again[0], failure):
            best[:] = [candidate, again[0], again[1]]
            return True
        return False

    progress = True
    while progress and time.time() < deadline:
        progress = drop_parts(best, works, deadline)
        for change in list(simpler(best[0])):
            candidate = copy.deepcopy(best[0])
            try:
                if change(candidate) and works(candidate):
                    progress = True
            except IndexError:
                pass
    return best


def drop_parts(best, works, deadline):
    """Leave out runs of elements, long ones first, of every list."""
    progress = False
    index = 0
    while time.time() < deadline:
        lists = list(parts(best[0]))
        if index >= len(lists):
            break
        size = len(lists[index])
        run = max(1, size // 2)
        while run >= 1 and time.time() < deadline:
            position = len(list(parts(best[0]))[index]) - run
            while position >= 0 and time.time() < deadline:
                candidate = copy.deepcopy(best[0])
                victim = list(parts(candidate))[index]
                del victim[position:position + run]
                if (victim or index == 0 or not is_rows(candidate, victim)) and works(candidate):
                    progress = True
                position -= run
            run //= 2
            if index >= len(list(parts(best[0]))):
                break
        index += 1
    return progress


def is_rows(scenario, victim):
    return any(step.get('rows') is victim for step in every_step(scenario))


def script(scenario, failure, log):
    """What happened, for a reader and for psql."""
    lines = ['-- seed %s, %d session(s)' % (scenario['seed'], scenario['sessions'])]
    lines += ['-- ' + line for line in str(failure).split('\n')]
    lines.append("SET TimeZone = '%s';" % scenario['zone'])
    lines += ["SET %s = '%s';" % setting for setting in scenario.get('settings', {}).items()]
    for step in scenario['setup']:
        lines.append(render(step) + ';' if step['kind'] != 'copy' else
                     'COPY %s (%s) FROM STDIN;\n%s\\.' % (step['table'], ', '.join(step['columns']), copy_lines(step)))
    if any(i['how'] == 'moved' for i in scenario['imats']):
        lines.append('CREATE SCHEMA old; CREATE SCHEMA live;')
    lines += [part.rstrip(';') + ';' for imat in scenario['imats'] if not imat['later'] for part in creation(imat)]
    created = {part for imat in scenario['imats'] if not imat['later'] for part in creation(imat)}
    lines += [(line if line.endswith((';', '\\.')) or line.startswith('--') else line + ';')
              for line in log if line not in created]
    lines += ["SELECT imat.verify('%s'); TABLE %s;  -- %s" % (i['name'], i['name'], queries.render(i['query'], True))
              for i in scenario['imats']]
    return '\n'.join(lines) + '\n'
