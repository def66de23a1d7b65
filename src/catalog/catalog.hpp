/*
 * catalog.hpp - the front door of room catalog: our own tables, and what a session keeps of them.
 */
#pragma once

#include "catalog/key_index.hpp"
#include "catalog/registration.hpp"
#include "catalog/session.hpp"
#include "catalog/settings.hpp"
