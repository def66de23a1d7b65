/*
 * delta.hpp - the front door of room delta: changes of sources become changes of groups.
 */
#pragma once

#include "delta/accumulate.hpp"
#include "delta/affected.hpp"
#include "delta/fill.hpp"
#include "delta/fold.hpp"
#include "delta/foreign_keys.hpp"
#include "delta/group_query.hpp"
#include "delta/group_row.hpp"
#include "delta/groups.hpp"
#include "delta/join.hpp"
#include "delta/lost.hpp"
#include "delta/plan.hpp"
#include "delta/recompute.hpp"
#include "delta/upper.hpp"
