/*
 * settings.cpp - pinning the settings that a STABLE expression reads.
 *
 * date_trunc('hour', timestamptz) depends on TimeZone.  If each writer's own applied, the table would mix
 * several meanings of its definition; so the settings of the session that made the table are recorded with it
 * and hold whenever its expressions are evaluated.  Most sessions have the same ones, so they are compared
 * first and set only where they differ.
 */
#include "catalog/settings.hpp"

namespace catalog {

namespace {

/* The settings that functions of pg_catalog declared STABLE are known to read. */
constexpr const char *pinned[] = {
    "TimeZone",    "DateStyle",  "IntervalStyle", "timezone_abbreviations", "extra_float_digits",
    "lc_monetary", "lc_numeric", "lc_time",       "bytea_output",           "default_text_search_config",
    "xmlbinary",   "xmloption",  "array_nulls",
};

/* Visit each pinned setting as a name and a value. */
template <class Visit>
PG_GUARDED void each_setting(const ArrayType *settings, Visit visit)
{
    Datum *elements;
    int count;
    deconstruct_array(const_cast<ArrayType *>(settings), TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr,
                      &count);
    for (int i = 0; i < count; ++i) {
        char *name = TextDatumGetCString(elements[i]);
        char *value = strchr(name, '=');
        if (value == nullptr)
            continue;
        *value++ = '\0';
        visit(static_cast<const char *>(name), static_cast<const char *>(value));
        pfree(name);
    }
    pfree(elements);
}

PG_GUARDED bool has_value(const char *name, const char *wanted)
{
    const char *value = GetConfigOption(name, true, false);
    return value == nullptr || strcmp(value, wanted) == 0;
}

} // namespace

PG_GUARDED ArrayType *current_settings()
{
    Datum elements[lengthof(pinned)];
    int count = 0;
    for (const char *name : pinned) {
        const char *value = GetConfigOption(name, true, false);
        if (value != nullptr)
            elements[count++] = CStringGetTextDatum(psprintf("%s=%s", name, value));
    }
    return construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT);
}

PG_GUARDED bool settings_differ(const ArrayType *settings)
{
    bool differ = false;
    each_setting(settings,
                 [&](const char *name, const char *value) { differ = differ || !has_value(name, value); });
    return differ;
}

PG_GUARDED void apply_settings(const ArrayType *settings)
{
    each_setting(settings, [](const char *name, const char *value) {
        if (!has_value(name, value))
            set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    });
}

} // namespace catalog
