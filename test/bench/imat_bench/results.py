"""What came out: ratios, their spread, tables."""

import collections
import statistics

from . import variants


class Results:
    def __init__(self):
        self.runs = collections.defaultdict(dict)  # (workload's name, variant) -> round -> what was measured
        self.left_out = set()  # (workload's name, variant)

    def add(self, workload, variant, number, measured):
        self.runs[workload.name, variant][number] = measured

    def leave_out(self, workload, variant):
        self.left_out.add((workload.name, variant))
        self.runs.pop((workload.name, variant), None)

    def is_left_out(self, workload, variant):
        return (workload.name, variant) in self.left_out

    def ratios(self, workload, variant):
        """Lowest, median and highest ratio to the first variant of the same round; None: not measured."""
        base = self.runs.get((workload.name, workload.variants[0]), {})
        mine = self.runs.get((workload.name, variant), {})
        ratios = sorted(mine[n]['rate'] / base[n]['rate'] for n in mine if n in base)
        return (ratios[0], statistics.median(ratios), ratios[-1]) if ratios else None

    def median(self, workload, variant):
        """The rate."""
        mine = self.runs.get((workload.name, variant), {})
        return statistics.median(run['rate'] for run in mine.values()) if mine else None

    def spread(self, workload, variant, of):
        """Lowest, median and highest of what a chart shows."""
        if of == 'ratio':
            return self.ratios(workload, variant)
        mine = sorted(1000 / run['rate'] for run in self.runs.get((workload.name, variant), {}).values())
        return (mine[0], statistics.median(mine), mine[-1]) if mine else None

    def total(self, workload, variant, what):
        return sum(run.get(what, 0) for run in self.runs.get((workload.name, variant), {}).values())


def rounded(value):
    return '%d' % value if value >= 100 else '%.3g' % value


def absolute(results, workload, variant):
    rate = results.median(workload, variant)
    if rate is None:
        return ''
    return rounded(rate) + '/s' if workload.texts['kind'] == 'clients' else rounded(1000 / rate) + ' ms'


def cell(results, workload, variant):
    ratios = results.ratios(workload, variant)
    if ratios is None:
        return 'gave up' if results.is_left_out(workload, variant) else ''
    low, middle, high = ratios
    digits = '%.2f' if middle >= 0.1 else '%.2g'
    text = '%s (%s-%s)' % (digits % middle, digits % low, digits % high)
    if results.total(workload, variant, 'deadlocks'):
        text += ', %d deadlocks' % results.total(workload, variant, 'deadlocks')
    if results.total(workload, variant, 'failed'):
        text += ', %d failed' % results.total(workload, variant, 'failed')
    return text


def sections(workloads):
    """Workloads by section, in order."""
    by_section = collections.OrderedDict()
    for workload in workloads:
        by_section.setdefault(workload.section, []).append(workload)
    return by_section


def measured_variants(results, workloads):
    return [variant for variant in workloads[0].variants
            if any((w.name, variant) in results.runs for w in workloads)]


def table(results, workloads):
    """Markdown: a line for each workload of a section, a column for each variant."""
    first, *others = measured_variants(results, workloads)
    texts = workloads[0].texts
    lines = ['### ' + workloads[0].title, '']
    if 'note' in texts:
        lines += [' '.join(texts['note'].split()), '']
    lines.append('| | %s |' % ' | '.join([variants.LABELS[first]] + [bold(v) for v in others]))
    lines.append('|---' * (len(others) + 2) + '|')
    for workload in workloads:
        cells = [absolute(results, workload, first)] + [cell(results, workload, v) for v in others]
        lines.append('| %s | %s |' % (workload.label or workload.section.replace('_', ' '), ' | '.join(cells)))
    return '\n'.join(lines) + '\n'


def bold(variant):
    label = variants.LABELS[variant]
    return '**%s**' % label if variant in ('imat', 'create') else label
