"""The program: which workloads, rounds, what is written where."""

import argparse
import os
import sys
import time

import psycopg2

from . import charts, results as outcome, smoke, variants, workloads as data
from .measure import RunFailed, Server

BEGIN, END = '<!-- scripts/bench writes from here -->', '<!-- to here -->'


def arguments():
    parser = argparse.ArgumentParser(prog='scripts/bench', description=__doc__)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--smoke', action='store_true')
    parser.add_argument('--only', default='', help='workloads, sections or sets (--list shows them), with commas; * and ? match')
    parser.add_argument('--list', action='store_true', help='show the workloads and sets, and do nothing')
    parser.add_argument('--rounds', type=int, default=0)
    parser.add_argument('--seconds', type=int, default=0, help='length of a run')
    parser.add_argument('--variants', default='')
    for name in ('rows', 'groups', 'n', 'clients', 'views'):
        parser.add_argument('--' + name, default='', help='for all workloads that do not vary it')
    parser.add_argument('--out', default='', help='a directory for results.md and charts')
    parser.add_argument('--docs', default='', help='a Markdown file: what is between its marks is replaced')
    parser.add_argument('--pg-ivm', action='store_true')
    parser.add_argument('--scratch', default='/tmp')
    options = parser.parse_args()
    brief = options.quick or options.smoke
    options.rounds = options.rounds or (2 if brief else 5)
    options.variants = options.variants or ('hand,imat,refresh' if options.smoke else '')
    options.seconds = options.seconds or (1 if brief else 2)
    options.rows = options.rows or ('50k' if options.smoke else '100k' if options.quick else '')
    return options


def chosen(options):
    everything = data.read_all({name: getattr(options, name) for name in ('rows', 'groups', 'n', 'clients', 'views')})
    if options.list:
        print('\n'.join('%-28s %s' % (w.name, w.texts['title'] if i == 0 or everything[i - 1].section != w.section else '')
                        for i, w in enumerate(everything)))
        for name, patterns in data.read_sets().items():
            print('%-28s a set: %s' % (name, ' '.join(patterns)))
        sys.exit()
    default = 'smoke' if options.smoke else 'quick' if options.quick else 'default'
    return data.select(everything, [pattern for pattern in options.only.split(',') if pattern] or [default])


def wanted(workload, options, server):
    given = options.variants.split(',') if options.variants else workload.variants
    return [v for v in workload.variants if (v == workload.variants[0] or v in given)
            and variants.possible(v, workload, server.has_pg_ivm)]


def progress(text, done=False):
    """What is being done, on a line that is written over; where there is no terminal, what is done, with the time."""
    if sys.stderr.isatty():
        print('\r\033[K' + text, end='', file=sys.stderr, flush=True)
    elif done:
        print(time.strftime('%H:%M:%S ') + text, file=sys.stderr, flush=True)


def measure(server, workload, variant, number, results):
    """One run.  What others than pg_imat can't do is left out."""
    try:
        results.add(workload, variant, number, server.measure(variant, workload))
    except (RunFailed, psycopg2.Error) as error:
        if not variants.is_alternative(variant):
            raise
        results.leave_out(workload, variant)
        print('left out: %s, %s: %s' % (workload.name, variant, str(error).strip()), file=sys.stderr, flush=True)


def run(server, workloads, options, results, after_each=lambda measured: None):
    """All rounds.  Within one, every variant has a turn at a workload before the next: neighbours in time are
    compared; and each round begins with another variant: to come first is an advantage, or the opposite.
    after_each is called with all workloads that are done, whenever some more are."""
    by_instance = {}
    for workload in workloads:
        by_instance.setdefault(workload.instance, []).append(workload)
    for members in by_instance.values():
        present = list(dict.fromkeys(v for w in members for v in wanted(w, options, server)))
        for variant in present:
            progress('%s: loading %s' % (members[0].file, variant))
            server.load(variant, members[0])
        for number in range(options.rounds):
            for workload in members:
                turn = wanted(workload, options, server)
                for variant in turn[number % len(turn):] + turn[:number % len(turn)]:
                    if results.is_left_out(workload, variant):
                        continue
                    progress('%s, round %d of %d: %s' % (workload.name, number + 1, options.rounds, variant))
                    measure(server, workload, variant, number, results)
            progress('%s: round %d of %d' % (members[0].file, number + 1, options.rounds), done=True)
        for variant in present:
            server.unload(variant)
        after_each([w for w in workloads if any((w.name, v) in results.runs for v in w.variants)])
    progress('')


def report(server, workloads, options, results, directory):
    """The tables, and the charts that go with them, which are written to the directory."""
    parts = ['%s %d rounds; runs of %g s, or single transactions; ratios are medians (lowest-highest).\n'
             % (server.conditions(), options.rounds, options.seconds)]
    for section, members in outcome.sections(workloads).items():
        parts.append(outcome.table(results, members))
        shown = outcome.measured_variants(results, members)
        of = members[0].texts.get('of', 'ratio')
        shown = shown if of == 'ms' else shown[1:]
        if directory and 'chart' in members[0].texts and shown:
            with open(os.path.join(directory, section + '.svg'), 'w', encoding='utf-8') as file:
                file.write(charts.chart(results, members, shown))
            name = os.path.basename(directory)
            where = section + '.svg' if not options.docs else '%s/%s.svg' % (name, section)
            parts.append('![%s](%s)\n' % (members[0].title, where))
    return '\n'.join(parts)


def write_docs(path, text):
    with open(path, encoding='utf-8') as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('%s%s\n\n%s\n%s%s' % (before, BEGIN, text.rstrip(), END, after))


def publish(text, options):
    if options.docs:
        write_docs(options.docs, text)
    elif options.out:
        with open(os.path.join(options.out, 'results.md'), 'w', encoding='utf-8') as file:
            file.write(text)


def main():
    options = arguments()
    workloads = chosen(options)
    server = Server(options)
    results = outcome.Results()
    if options.smoke:
        run(server, workloads, options, results)
        if not smoke.judge(results, workloads):
            run(server, workloads, options, results)  # runs this short err when the machine is busy: once more
            if not smoke.judge(results, workloads):
                sys.exit(smoke.print_verdict(results, workloads))
        sys.exit(smoke.print_verdict(results, workloads))
    directory = os.path.splitext(options.docs)[0].lower() if options.docs else options.out
    if directory:
        os.makedirs(directory, exist_ok=True)

    def publish_measured(measured):  # all that is known after hours of work is kept, should the rest come to nothing
        publish(report(server, measured, options, results, directory), options)

    run(server, workloads, options, results, publish_measured)
    print(report(server, workloads, options, results, directory))


if __name__ == '__main__':
    main()
