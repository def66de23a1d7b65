"""The workloads, read from test/bench/workloads: a file is a scenario, a section of it a workload.

The first section, [scenario], says which tables and which view there are:

    title       for the reader
    setup       makes the tables, with rows in them
    query       the view
    key         columns of a unique index on it
    row_trigger, statement_trigger
                functions and triggers that keep table agg current in PL/pgSQL

Every other section is a workload:

    title       for the reader
    kind        clients: pgbench runs `script`, and its transactions are counted
                timed: `run` is one transaction, and is timed; `before` and `after` are not
                create: the time that making the view takes
    hand        (clients) the script of a client that keeps table agg current itself
    hand_run    (timed) the same
    variants    what is compared; the first is what the others are divided by
    chart       bars or lines; x: the parameter along the axis; of: ratio (default) or ms
    all others  parameters: `:name` in SQL and scripts is replaced by the value.  Where there are several, each
                makes a workload of its own.  k and M are thousands and millions.
"""

import configparser
import dataclasses
import fnmatch
import glob
import itertools
import os
import re

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'workloads')
TEXTS = {'title', 'kind', 'script', 'hand', 'before', 'run', 'after', 'hand_run', 'variants', 'chart', 'x', 'of', 'note'}
DEFAULTS = {'n': '1', 'rows': '200k', 'groups': '1k', 'views': '1', 'clients': '1', 'statements': '1', 'skew': 'uniform'}
PICKS = {'uniform': 'random(1, :groups)', 'zipf': 'random_zipfian(1, :groups, 1.1)', 'hot': '1'}
OF_TABLES = ('rows', 'groups', 'views')


def number(text):
    """'100k' as 100000; what is no number stays."""
    match = re.fullmatch(r'(\d+)([kM]?)', text)
    return int(match[1]) * {'': 1, 'k': 1000, 'M': 1000000}[match[2]] if match else text


def short(value):
    """100000 as '100k'."""
    for unit, letter in ((1000000, 'M'), (1000, 'k')):
        if isinstance(value, int) and value >= unit and value % unit == 0:
            return '%d%s' % (value // unit, letter)
    return str(value)


def in_words(name, value):
    if not isinstance(value, int):
        return {'zipf': 'Zipf', 'hot': 'one group'}.get(value, value)
    noun = {'n': 'rows', 'rows': 'rows in the table'}.get(name, name)
    return '%s %s' % (short(value), noun[:-1] if value == 1 and noun.endswith('s') else noun)


@dataclasses.dataclass
class Workload:
    file: str
    section: str
    scenario: dict
    texts: dict
    parameters: dict
    varied: list  # the parameters that tell it from others of its section

    @property
    def title(self):
        values = {name: short(value) for name, value in self.parameters.items() if name not in self.varied}
        return re.sub(r':(\w+)\b', lambda m: values.get(m[1], m[1]), self.texts['title'])

    @property
    def label(self):
        return ', '.join(in_words(name, self.parameters[name]) for name in self.varied)

    @property
    def name(self):
        return '/'.join([self.section] + [short(self.parameters[name]) for name in self.varied])

    @property
    def variants(self):
        return self.texts['variants'].split()

    @property
    def instance(self):
        """Workloads with the same can share tables."""
        return (self.file,) + tuple(self.parameters[name] for name in OF_TABLES)

    def fill(self, text, **more):
        """The text with values for the parameters that it names."""
        values = {**self.parameters, **more, 'pick': PICKS[self.parameters['skew']]}
        pattern = re.compile(r'(?<!:):(%s)\b' % '|'.join(values))
        return pattern.sub(lambda m: str(values[m[1]]), pattern.sub(lambda m: str(values[m[1]]), text))


def read_file(path, overrides):
    """All workloads of a file."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=('=',), comment_prefixes=('#',))
    parser.read(path)
    scenario = dict(parser['scenario'])
    for section in parser.sections()[1:]:
        texts = {k: v for k, v in parser[section].items() if k in TEXTS}
        given = {**DEFAULTS, **{k: v for k, v in scenario.items() if k in OF_TABLES},
                 **{k: v for k, v in parser[section].items() if k not in TEXTS}}
        given.update({k: v for k, v in overrides.items() if v and len(given[k].split()) == 1})
        lists = {k: [number(v) for v in values.split()] for k, values in given.items()}
        varied = [k for k in lists if len(lists[k]) > 1]
        for combination in itertools.product(*lists.values()):
            parameters = dict(zip(lists, combination))
            if parameters['n'] <= max(parameters['rows'], 1000):
                yield Workload(os.path.basename(path)[:-4], section, scenario, texts, parameters, varied)


def read_all(overrides):
    return [workload for path in sorted(glob.glob(os.path.join(HERE, '*.ini')))
            for workload in read_file(path, overrides)]


def read_sets():
    """Named selections: a line each in workloads/sets, a name and patterns."""
    with open(os.path.join(HERE, 'sets'), encoding='utf-8') as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith('#')]
    return {words[0]: words[1:] for words in lines}


def select(workloads, patterns):
    sets = read_sets()
    patterns = [inner for pattern in patterns for inner in sets.get(pattern, [pattern])]
    chosen = [w for w in workloads if any(fnmatch.fnmatchcase(w.name, p) or w.section == p for p in patterns)]
    if not chosen:
        raise SystemExit('no workload is called %s; there are:\n%s'
                         % (' '.join(patterns), '\n'.join(w.name for w in workloads)))
    return chosen
