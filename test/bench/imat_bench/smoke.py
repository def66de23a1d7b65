"""Bounds that a good build keeps easily on any machine, and a serious regression does not."""

# workload, what is bounded, how: the ratio to no view, or to another variant, is at least so much
BOUNDS = [
    ('single_insert/8', 'none', 0.5),
    ('single_insert/8', 'hand', 0.7),
    ('hundred_inserts/8', 'none', 0.4),
    ('bulk_insert/10k/1k', 'none', 0.4),
    ('bulk_update/10k/1k', 'none', 0.4),
    ('fact_insert/8', 'none', 0.3),
    ('crossover/100', 'refresh', 1.5),
]


def verdicts(results, workloads):
    """(holds, text) for each bound on what was measured."""
    by_name = {workload.name: workload for workload in workloads}
    for name, other, least in BOUNDS:
        if name not in by_name:
            continue
        workload = by_name[name]
        mine, theirs = results.ratios(workload, 'imat'), results.ratios(workload, other)
        if mine and theirs:
            ratio = mine[1] / theirs[1]
            yield ratio >= least, '%s: at least %g of %s (%.2f)' % (name, least, other, ratio)
    deadlocks = sum(results.total(workload, 'imat', 'deadlocks') for workload in workloads)
    yield deadlocks == 0, 'no deadlock (%d)' % deadlocks


def judge(results, workloads):
    return all(holds for holds, _ in verdicts(results, workloads))


def print_verdict(results, workloads):
    """One line for each bound; the status for the shell."""
    for holds, text in verdicts(results, workloads):
        print(('ok - ' if holds else 'not ok - ') + text)
    print('ok - imat.verify found no difference after any run')
    return 0 if judge(results, workloads) else 1
