/*
 * capture.hpp - what was done to a source becomes pending.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* What the names of the triggers on sources begin with. */
constexpr const char *CAPTURE_TRIGGER_PREFIX = "imat_capture_";

/*
 * Take note of what a statement did, or of one row's change: for the trigger function of sources.  The memory
 * context is one that ends with the execution of the statement.
 */
PG_GUARDED void capture(TriggerData *trigger, MemoryContext statement);

} // namespace flush
