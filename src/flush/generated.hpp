/*
 * generated.hpp - generated columns that the rows handed to triggers lack.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* May the added rows that the trigger is handed be without the values of generated columns? */
PG_GUARDED bool lacks_generated(const TriggerData *trigger);

} // namespace flush
