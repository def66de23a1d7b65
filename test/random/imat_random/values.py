"""Column types: which values are worth trying, how they are written, how two of them are compared."""

import decimal
import hashlib
import math
from decimal import Decimal


decimal.getcontext().prec = 4000

LONG = ''.join(hashlib.md5(b'%d' % n).hexdigest() for n in range(100))  # as a group key, too long for an index


class Type:
    """A type: its name in SQL, interesting values (as text), and what it may be used for."""

    def __init__(self, sql, values, rare=(), family=None, image_equal=True):
        self.sql = sql
        self.values = list(values)
        self.rare = list(rare)
        self.family = family or sql
        self.image_equal = image_equal  # do equal values look alike?


_TIMES = ['2024-01-01 00:00:00', '2024-03-31 00:59:59', '2024-03-31 01:30:00', '2024-03-31 03:00:00', '2024-10-27 01:30:00',
          '2024-01-01 00:59:00.5', '2024-01-01 23:30:00', '1999-12-31 23:59:59.999999']

TYPES = {t.sql: t for t in [
    Type('int2', ['0', '1', '2', '3', '-1', '7'], ['32767', '-32768'], 'int'),
    Type('int4', ['0', '1', '2', '3', '-5', '10', '100'], ['2147483647', '-2147483648'], 'int'),
    # of the last two, PostgreSQL makes the same hashes as of 1 and of 2
    Type('int8', ['0', '1', '2', '3', '-7', '5000000000', '4294967296', '4294967299'],
         ['9223372036854775807', '-9223372036854775808'], 'int'),
    Type('numeric', ['0', '1', '1.0', '1.00', '-2.5', '100.001', '0.3333', '12345678901234567890.5'],
         ['NaN', 'Infinity', '-Infinity', '1e40', '0.' + '0' * 30 + '1'], 'numeric', False),
    Type('numeric(8,2)', ['0', '1', '1.5', '-2.25', '999999.99', '0.01'], ['NaN'], 'numeric', True),
    Type('float4', ['0', '1', '1.5', '0.1', '0.2', '-3.25', '16777216', '1e-10'],
         ['-0', 'NaN', 'Infinity', '-Infinity', '1e30', '-1e30'], 'float', False),
    Type('float8', ['0', '1', '1.5', '0.1', '0.2', '0.3', '-3.25', '9007199254740993', '1e-20'],
         ['-0', 'NaN', 'Infinity', '-Infinity', '1e300', '-1e300', '1e-310'], 'float', False),
    # no extremes: whether sum(money) overflows on the way depends on the order of rows
    Type('money', ['0', '1', '1.25', '-3', '1000.01'], [], 'money'),
    Type('interval', ['0', '1 day', '24 hours', '1 mon', '30 days', '-1 hour', '1.5 sec', '1 year -3 days'], [],
         'interval', False),
    Type('text', ['a', 'A', 'b', 'bb', '', 'é', 'c d'], ['x' * 300, LONG, "it's", 'back\\slash'], 'text'),
    Type('varchar(8)', ['a', 'A', 'b', 'bb', '', 'zz'], [], 'text'),
    Type('citext', ['a', 'A', 'b', 'B', 'bb', 'Bb', ''], [], 'citext', False),
    Type('bool', ['t', 'f'], [], 'bool'),
    Type('date', ['2024-01-01', '2024-01-31', '2024-02-29', '2023-12-31'], ['infinity', '-infinity'], 'date'),
    Type('timestamp', _TIMES, ['infinity'], 'timestamp'),
    Type('timestamptz', [t + z for t, z in zip(_TIMES * 2, ['', '+00', '+05:30', '', '+01'] * 4)], ['infinity'],
         'timestamptz'),
    Type('uuid', ['00000000-0000-0000-0000-00000000000' + d for d in '0123'], [], 'uuid'),
    Type('mood', ['sad', 'ok', 'happy'], [], 'enum'),
]}

CITEXT = -1  # stands for its oid, which is another one in each database

ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata']


def quote(text):
    return 'NULL' if text is None else "'" + text.replace("'", "''") + "'"


def value(rng, type_name, nulls=0.1, few=0):
    """A value as text, or None for NULL; with probability few, one of the few that others have, too."""
    t = TYPES[type_name]
    if rng.random() < nulls:
        return None
    if rng.random() < few:
        return rng.choice(t.values[:4] + t.values[-2:])
    if t.rare and rng.random() < 0.03:
        return rng.choice(t.rare)
    if rng.random() < 0.5:  # skew
        return t.values[rng.randrange(min(3, len(t.values)))]
    if t.family == 'int' and rng.random() < 0.5:
        return str(rng.randint(-20, 300))
    if t.family == 'float' and rng.random() < 0.5:
        return repr(rng.uniform(-100, 100))
    if t.family == 'numeric' and rng.random() < 0.5:
        return '%.*f' % (rng.randrange(0, 5), rng.uniform(-100, 100))
    return rng.choice(t.values)


# --- comparing --------------------------------------------------------------------------------------

def shown(name, type_oid):
    """The expression that shows a column whatever the settings of the session."""
    if type_oid == 1184:
        return "extract(epoch from %s)::text" % name
    if type_oid == 790:
        return '%s::numeric::text' % name
    if type_oid == 1186:
        return "(extract(year from {0})*12 + extract(month from {0}))::text || ' ' || extract(day from {0})::text" \
               " || ' ' || (extract(hour from {0})*3600 + extract(minute from {0})*60" \
               " + extract(second from {0}))::numeric::text".format(name)
    return name + '::text'


def plain(text, type_oid):
    """A value as its type's equality sees it."""
    if text is None:
        return None
    if type_oid == 1700:
        number = Decimal(text)
        return 'NaN' if number.is_nan() else str(number) if number.is_infinite() else number.normalize() + 0
    if type_oid in (700, 701):
        number = float(text)
        return 'NaN' if math.isnan(number) else number + 0.0 if number else 0.0
    if type_oid == 1186:
        months, days, seconds = text.split(' ')
        return ((Decimal(months) * 30 + Decimal(days)) * 86400 + Decimal(seconds)).normalize() + 0
    if type_oid == CITEXT:
        return text.lower()
    if type_oid == 1042:
        return text.rstrip(' ')
    return text


def round_to_real(fraction):
    """The float4 nearest to an exact number, ties to even, as a Python float; math.inf where too large."""
    from fractions import Fraction
    if fraction == 0:
        return 0.0
    sign = -1 if fraction < 0 else 1
    fraction = abs(fraction)
    exponent = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    if Fraction(2) ** exponent > fraction:
        exponent -= 1
    step = max(exponent - 23, -149)
    scaled = fraction / Fraction(2) ** step
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    if twice > scaled.denominator or (twice == scaled.denominator and whole % 2):
        whole += 1
    result = whole * Fraction(2) ** step
    return sign * (math.inf if result >= Fraction(2) ** 128 else float(result))


def exact_aggregate(function, type_name, values):
    """What exact_sum or exact_avg of these floats must be; 'any' where it is out of range."""
    from fractions import Fraction
    values = [v for v in values if v is not None]
    if not values:
        return None
    if any(math.isnan(v) for v in values):
        return math.nan
    plus = any(v == math.inf for v in values)
    minus = any(v == -math.inf for v in values)
    if plus or minus:
        return math.nan if plus and minus else math.inf if plus else -math.inf
    total = sum((Fraction(v) for v in values), Fraction(0))
    if function == 'avg':
        total /= len(values)
    if type_name == 'float4' and function == 'sum':
        return round_to_real(total)
    try:
        return total.numerator / total.denominator
    except OverflowError:
        return 'any'


def same_float(a, b):
    if a is None or b is None:
        return a is b
    return (math.isnan(a) and math.isnan(b)) or a == b




