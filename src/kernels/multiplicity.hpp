// How often a value occurs, and what that does to the set of the values that occur.
//
// A bag (multiset) of values is a function from values to counts, and bags form a commutative group under
// addition point by point: a change of a bag is a bag with negative counts, changes add up in any order, and
// what comes and goes cancels. The set of the values that occur is not linear in the bag: it changes only
// where a count leaves zero or gets there. That is all that an aggregate with DISTINCT needs to know. A sum
// over the set is adjusted by what enters and what leaves it, and since entering and leaving alternate for
// each value, the adjustments add up to the difference of the sets, whatever the steps in between were.
// (Counting: A. Gupta, I. S. Mumick, V. S. Subrahmanian, "Maintaining views incrementally", SIGMOD 1993.)
//
// A count below zero has no meaning in a bag that is no change: it would say that something left that was
// never there.
#pragma once

#include <cstdint>

namespace kernels {

// What a change of its count does to a value's place in the set.
enum class Passage : signed char {
    enters = 1,      // it occurs now, and didn't
    stays = 0,       // as it was, in or out
    leaves = -1,     // it occurred, and doesn't any more
    impossible = -2, // the count would be negative, or beyond what can be counted
};

// Adds a change to the count of a value, unless that is impossible; returns what becomes of its place.
inline Passage change_count(std::int64_t &count, std::int64_t change) noexcept
{
    std::int64_t changed = 0;
    if (count < 0 || __builtin_add_overflow(count, change, &changed) || changed < 0)
        return Passage::impossible;
    const bool occurred = count > 0;
    count = changed;
    const bool occurs = count > 0;
    return occurs == occurred ? Passage::stays : occurs ? Passage::enters : Passage::leaves;
}

} // namespace kernels
