/*
 * delta.hpp - the front door of room delta: changes of sources become changes of groups.
 */
#pragma once

#include "delta/fill.hpp"
