/*
 * session.cpp - the one object with per-backend state.
 */
#include "catalog/session.hpp"

namespace catalog {

constinit Session session = {};

} // namespace catalog
