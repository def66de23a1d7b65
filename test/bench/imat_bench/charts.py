"""Charts as SVG, written by hand: bars or lines, with the spread of the rounds."""

import math

from . import variants
from .workloads import short

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 104, 56
INK, FAINT = '#24292f', '#d8dee4'
FONT = 'font-family="Helvetica, Arial, sans-serif"'


def escape(text):
    return str(text).replace('&', '&amp;').replace('<', '&lt;')


class Canvas:
    def __init__(self, title, subtitle):
        self.parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">'
                      % (WIDTH, HEIGHT, WIDTH, HEIGHT),
                      '<rect width="%d" height="%d" fill="#ffffff"/>' % (WIDTH, HEIGHT)]
        self.text(LEFT, 24, title, size=16, weight='bold')
        self.text(LEFT, 43, subtitle, size=12, color='#57606a')

    def text(self, x, y, text, size=12, anchor='start', weight='normal', color=INK, turn=None):
        turned = ' transform="rotate(-90 %g %g)"' % (x, y) if turn else ''
        self.parts.append('<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" font-weight="%s" fill="%s" %s%s>%s</text>'
                          % (x, y, size, anchor, weight, color, FONT, turned, escape(text)))

    def line(self, x1, y1, x2, y2, color=FAINT, width=1.0, dash=''):
        dashed = ' stroke-dasharray="%s"' % dash if dash else ''
        self.parts.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"%s/>'
                          % (x1, y1, x2, y2, color, width, dashed))

    def box(self, x, y, width, height, color):
        self.parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5" fill="%s"/>'
                          % (x, y, width, height, color))

    def path(self, points, color):
        self.parts.append('<polyline fill="none" stroke="%s" stroke-width="2.2" stroke-linejoin="round" points="%s"/>'
                          % (color, ' '.join('%.1f,%.1f' % p for p in points)))

    def dot(self, x, y, color):
        self.parts.append('<circle cx="%.1f" cy="%.1f" r="3.4" fill="%s" stroke="#ffffff"/>' % (x, y, color))

    def legend(self, shown):
        x, y = LEFT, 56
        for variant in shown:
            label = variants.LABELS[variant]
            wide = 30 + 6.4 * len(label)
            if x + wide > WIDTH:
                x, y = LEFT, y + 18
            self.box(x, y, 11, 11, variants.COLORS[variant])
            self.text(x + 16, y + 10, label, size=11)
            x += wide

    def end(self):
        return '\n'.join(self.parts + ['</svg>']) + '\n'


def steps(top):
    """Distances of grid lines for an axis from 0 to top."""
    for step in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50):
        if top / step <= 7:
            return step
    return top / 6


def bars(results, workloads, shown, of):
    """Groups of bars, one group a workload, one bar a variant."""
    figures = {(w.name, v): results.spread(w, v, of) for w in workloads for v in shown}
    figures = {key: value for key, value in figures.items() if value}
    highest = max(max(high for _, _, high in figures.values()) * 1.05, 1.1)
    bottom = HEIGHT - BOTTOM

    def y(value):
        return bottom - (bottom - TOP) * value / highest

    canvas = Canvas(workloads[0].title, AXIS[of, workloads[0].texts['kind']])
    canvas.legend(shown)
    step = steps(highest)
    for i in range(int(highest / step) + 1):
        canvas.line(LEFT, y(i * step), WIDTH - RIGHT, y(i * step))
        canvas.text(LEFT - 8, y(i * step) + 4, '%.3g' % (i * step), size=11, anchor='end')
    canvas.text(18, (TOP + bottom) / 2, 'ratio' if of == 'ratio' else 'milliseconds', anchor='middle', turn=True)
    room = (WIDTH - LEFT - RIGHT) / len(workloads)
    wide = min(room * 0.82 / len(shown), 46)
    for i, workload in enumerate(workloads):
        middle = LEFT + room * (i + 0.5)
        canvas.text(middle, bottom + 20, workload.label, anchor='middle', size=11 if len(workloads) < 8 else 9)
        for j, variant in enumerate(shown):
            if (workload.name, variant) not in figures:
                continue
            low, median, high = figures[workload.name, variant]
            x = middle + (j - len(shown) / 2) * wide
            canvas.box(x + 1, y(median), wide - 2, max(bottom - y(median), 1), variants.COLORS[variant])
            canvas.line(x + wide / 2, y(low), x + wide / 2, y(high), color=INK)
            if wide >= 20:
                canvas.text(x + wide / 2, y(high) - 4, '%.2f' % median, size=10, anchor='middle')
    canvas.line(LEFT, bottom, WIDTH - RIGHT, bottom, color=INK)
    if of == 'ratio':
        canvas.line(LEFT, y(1), WIDTH - RIGHT, y(1), color=INK, width=1.4, dash='5 4')
        canvas.text(WIDTH - RIGHT, y(1) - 5, '1.0: ' + variants.LABELS[workloads[0].variants[0]], size=10, anchor='end')
    return canvas.end()


def decades(low, high):
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def lines(results, workloads, shown, of):
    """A line for each variant over one parameter, on logarithmic axes (a ratio's is linear)."""
    by = workloads[0].texts['x']
    xs = [w.parameters[by] for w in workloads]
    figures = {(w.name, v): results.spread(w, v, of) for w in workloads for v in shown}
    figures = {key: value for key, value in figures.items() if value}
    bottom, end = HEIGHT - BOTTOM, WIDTH - RIGHT - 20
    values = [value for spread in figures.values() for value in spread]
    ticks = [10.0 ** e for e in decades(min(values), max(values))] if of == 'ms' else [0, 0.2, 0.4, 0.6, 0.8, 1.0]

    def x(value):
        span = math.log10(max(xs) / min(xs)) or 1
        return LEFT + 20 + (end - LEFT - 20) * math.log10(value / min(xs)) / span

    def y(value):
        if of == 'ms':
            part = math.log10(value / ticks[0]) / math.log10(ticks[-1] / ticks[0])
        else:
            part = value / max(1.1, max(values) * 1.05)
        return bottom - (bottom - TOP) * part

    canvas = Canvas(workloads[0].title, AXIS[of, workloads[0].texts['kind']])
    canvas.legend(shown)
    for tick in ticks:
        canvas.line(LEFT, y(tick), WIDTH - RIGHT, y(tick), dash='5 4' if of == 'ratio' and tick == 1 else '',
                    color=INK if of == 'ratio' and tick == 1 else FAINT)
        canvas.text(LEFT - 8, y(tick) + 4, '%g' % tick, size=11, anchor='end')
    for value in xs:
        canvas.line(x(value), bottom, x(value), bottom + 4, color=INK)
        canvas.text(x(value), bottom + 20, short(value), size=11, anchor='middle')
    canvas.line(LEFT, bottom, WIDTH - RIGHT, bottom, color=INK)
    canvas.text((LEFT + WIDTH) / 2, HEIGHT - 14, X_LABELS[by], anchor='middle')
    canvas.text(18, (TOP + bottom) / 2, 'ratio' if of == 'ratio' else 'milliseconds', anchor='middle', turn=True)
    for variant in shown:
        points = [(x(w.parameters[by]), y(figures[w.name, variant][1])) for w in workloads if (w.name, variant) in figures]
        canvas.path(points, variants.COLORS[variant])
        for workload in workloads:
            if (workload.name, variant) in figures:
                low, _, high = figures[workload.name, variant]
                at = x(workload.parameters[by])
                canvas.line(at, y(low), at, y(high), color=variants.COLORS[variant])
        for point in points:
            canvas.dot(*point, variants.COLORS[variant])
    return canvas.end()


AXIS = {
    ('ratio', 'clients'): 'Transactions a second, as a part of those without any view. Median of the rounds; whiskers: all rounds.',
    ('ratio', 'timed'): 'Speed of the statement, as a part of that without any view. Median of the rounds; whiskers: all rounds.',
    ('ratio', 'create'): 'Speed, as a part of that of CREATE MATERIALIZED VIEW. Median of the rounds; whiskers: all rounds.',
    ('ms', 'timed'): 'Time of the transaction, what keeps the view current included. Less is better. Median of the rounds.',
}
X_LABELS = {'n': 'rows changed by the transaction', 'views': 'views over the table', 'rows': 'rows of the table',
            'groups': 'groups'}


def chart(results, workloads, shown):
    texts = workloads[0].texts
    draw = {'bars': bars, 'lines': lines}[texts['chart']]
    return draw(results, workloads, shown, texts.get('of', 'ratio'))
