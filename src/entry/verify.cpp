/*
 * verify.cpp - imat.verify(imat): what this transaction has pending is applied first.
 */
#include "flush/flush.hpp"
#include "rebuild/rebuild.hpp"

PG_IMAT_FUNCTION(imat_verify)
{
    flush::flush_now();
    CommandCounterIncrement();
    PG_RETURN_INT64(rebuild::verify(PG_GETARG_OID(0)));
}
