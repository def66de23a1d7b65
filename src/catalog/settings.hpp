/*
 * settings.hpp - pinning the settings that a STABLE expression reads.
 */
#pragma once

#include "pg/seam.hpp"

namespace catalog {

/* The settings that the result of a STABLE expression may depend on, as this session has them: text[]. */
PG_GUARDED ArrayType *current_settings();

/*
 * Make the pinned settings those of the session, up to the end of the caller's GUC nest level.  Cheap where
 * they are the session's already.  False: nothing had to be changed.
 */
PG_GUARDED bool settings_differ(const ArrayType *settings);
PG_GUARDED void apply_settings(const ArrayType *settings);

/* Run body under the pinned settings of an IMAT (NULL: as they are). */
template <class Body>
PG_GUARDED void with_settings(const ArrayType *settings, Body body)
{
    if (settings == nullptr || !settings_differ(settings))
        return body();
    const int level = NewGUCNestLevel();
    apply_settings(settings);
    body();
    AtEOXact_GUC(false, level);
}

} // namespace catalog
