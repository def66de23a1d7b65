/*
 * list.hpp - PostgreSQL's List as a range:  for (auto *entry : pg::each<TargetEntry>(query->targetList)).
 *
 * The list must not change while it is walked.  Works for the linked lists of PostgreSQL 12 and the arrays
 * that came after.
 */
#pragma once

#include "pg/postgres.hpp"

namespace pg {

namespace detail {

template <class T>
struct ReadPointer {
    T *operator()(ListCell *cell) const noexcept { return static_cast<T *>(lfirst(cell)); }
};

struct ReadOid {
    Oid operator()(ListCell *cell) const noexcept { return lfirst_oid(cell); }
};

struct ReadInt {
    int operator()(ListCell *cell) const noexcept { return lfirst_int(cell); }
};

template <class Read>
class Range {
  public:
    class Iterator {
      public:
        Iterator(const List *list, ListCell *cell) noexcept : list_(list), cell_(cell) {}
        auto operator*() const noexcept { return Read{}(cell_); }
        bool operator!=(const Iterator &other) const noexcept { return cell_ != other.cell_; }
        Iterator &operator++() noexcept
        {
            cell_ = next_cell(list_, cell_);
            return *this;
        }

      private:
        const List *list_;
        ListCell *cell_;
    };

    explicit Range(const List *list) noexcept : list_(list) {}
    Iterator begin() const noexcept { return {list_, list_head(list_)}; }
    Iterator end() const noexcept { return {list_, nullptr}; }

  private:
    const List *list_;
};

} // namespace detail

/* The elements of a list of pointers, as pointers to T.  The caller knows what they are. */
template <class T>
auto each(const List *list) noexcept
{
    return detail::Range<detail::ReadPointer<T>>(list);
}

/* The elements of a list of Oids. */
inline auto each_oid(const List *list) noexcept
{
    return detail::Range<detail::ReadOid>(list);
}

/* The elements of a list of integers. */
inline auto each_int(const List *list) noexcept
{
    return detail::Range<detail::ReadInt>(list);
}

} // namespace pg
