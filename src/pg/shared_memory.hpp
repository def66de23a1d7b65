/*
 * shared_memory.hpp - a struct that all processes of the server share, without shared_preload_libraries.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/*
 * The struct of this name and size; the first process to ask has it made, and initialised.  NULL where it
 * can't be had, which is no error.  Not for error paths: the error in flight would be lost.
 */
PG_GUARDED void *shared_struct(const char *name, Size size, void (*initialise)(void *place));

} // namespace pg
