"""What is compared: how a table `agg` is kept equal to the view, each in a schema of its own."""

LABELS = {
    'none': 'no view',
    'hand': 'client updates agg by hand',
    'row_trigger': 'PL/pgSQL trigger, each row',
    'statement_trigger': 'PL/pgSQL trigger, each statement',
    'pg_ivm': 'pg_ivm',
    'refresh': 'REFRESH after it',
    'refresh_concurrently': 'REFRESH CONCURRENTLY after it',
    'imat': 'pg_imat',
    'imat_delta': 'pg_imat, delta asked for',
    'imat_keyed': 'pg_imat, keyed',
    'imat_swap': 'pg_imat, swap',
    'imat_statement': 'pg_imat, flush = statement',
    'matview': 'CREATE MATERIALIZED VIEW',
    'matview_index': 'the same and its unique index',
    'create': 'imat.create',
    'convert': 'create_imat of a view that is there',
}

COLORS = {
    'none': '#9aa0a6', 'hand': '#7b8794', 'row_trigger': '#e0a030', 'statement_trigger': '#c2571a', 'pg_ivm': '#3a9d6e',
    'refresh': '#b04a7a', 'refresh_concurrently': '#7a3f9d', 'imat': '#1f6fd6', 'imat_delta': '#4d9be6',
    'imat_keyed': '#12a3b4', 'imat_swap': '#5a4fcf', 'imat_statement': '#8db8ee', 'matview': '#9aa0a6',
    'matview_index': '#7b8794', 'create': '#1f6fd6', 'convert': '#8db8ee',
}


def is_imat(variant):
    return variant.startswith('imat')


def is_alternative(variant):
    """Is it something else than pg_imat that keeps a view current as rows are written?"""
    return variant in ('hand', 'row_trigger', 'statement_trigger', 'pg_ivm')


def schema(variant):
    return 'b_' + variant


def options(variant):
    """Settings of the sessions that write."""
    flush = ' -c pg_imat.flush=statement' if variant == 'imat_statement' else ''
    patience = ' -c statement_timeout=15s' if is_alternative(variant) else ''
    return '-c search_path=%s,public%s%s' % (schema(variant), flush, patience)


def view_names(workload):
    views = workload.parameters['views']
    return ['agg'] + ['agg_%d' % i for i in range(2, views + 1)]


def possible(variant, workload, has_pg_ivm):
    """Can the variant take part?"""
    texts = workload.texts
    if variant == 'hand':
        return 'hand' in texts or 'hand_run' in texts
    if variant in ('row_trigger', 'statement_trigger'):
        # a trigger for each row goes past all versions of its group's row that came before: minutes, soon
        return variant in workload.scenario and (variant == 'statement_trigger' or workload.parameters['n'] <= 10000)
    return has_pg_ivm or variant != 'pg_ivm'


def make(variant, workload):
    """SQL that makes the view, in order."""
    query, key = workload.scenario['query'], workload.scenario.get('key')
    index = ['CREATE UNIQUE INDEX ON agg (%s)' % key] if key else []
    if variant in ('hand', 'row_trigger', 'statement_trigger'):
        return ['CREATE TABLE agg AS ' + query] + index + [workload.scenario.get(variant, 'SELECT')]
    if variant.startswith('refresh'):
        return ['CREATE MATERIALIZED VIEW agg AS ' + query] + index
    if variant == 'pg_ivm':
        return ["SELECT pgivm.create_immv('agg', $$%s$$)" % query]
    made = []
    if is_imat(variant):
        for name in view_names(workload):
            made.append('CREATE MATERIALIZED VIEW %s AS %s' % (name, query))
            made.append("SELECT create_imat('%s.%s')" % (schema(variant), name))
            strategy = variant.partition('_')[2]
            if strategy in ('delta', 'keyed', 'swap'):
                made.append("SELECT imat.alter('%s', strategy => '%s')" % (name, strategy))
    return made


def after_change(variant):
    """What brings the view up to date after a transaction, where nothing does by itself."""
    return {'refresh': 'REFRESH MATERIALIZED VIEW agg',
            'refresh_concurrently': 'REFRESH MATERIALIZED VIEW CONCURRENTLY agg'}.get(variant)
