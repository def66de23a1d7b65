/*
 * capture.hpp - what a statement did to a source becomes pending.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/*
 * Take note of what a statement did: for the trigger function of sources.  The memory context is one that
 * ends with the execution of the statement.
 */
PG_GUARDED void capture(TriggerData *trigger, MemoryContext statement);

} // namespace flush
