#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace emu {

/// Finds the row of an instruction table that an encoding matches. A few well chosen bits of the encoding (the key)
/// select a short chain of rows, which are compared one after the other, those with more fixed bits first. `Row` has
/// the members `mask` and `match`; `Key` is a function object that maps an encoding, or a mask, to `kBits` bits.
/// Immutable once built.
template <typename Row, typename Key>
class DecodeTable {
 public:
  explicit DecodeTable(std::span<const Row> rows) {
    std::vector<const Row*> order;
    for (const Row& row : rows) order.push_back(&row);
    // Chains grow at the front.
    std::ranges::stable_sort(order, {}, [](const Row* row) { return std::popcount(row->mask); });
    for (const Row* row : order) insert(row);
  }

  /// The first matching row for which `accept(row)` holds, or nullptr.
  template <typename Accept>
  const Row* find(uint32_t raw, Accept accept) const noexcept {
    for (uint16_t node = heads_[Key{}(raw)]; node != kEnd; node = nodes_[node].next) {
      const Row* row = nodes_[node].row;
      if ((raw & row->mask) == row->match && accept(*row)) return row;
    }
    return nullptr;
  }

 private:
  static constexpr uint16_t kEnd = 0;
  struct Node {
    const Row* row;
    uint16_t next;
  };

  /// Puts `row` at the front of the chain of each key that it can have. Keys that had the same chain go on sharing one.
  void insert(const Row* row) {
    std::map<uint16_t, uint16_t> extended;
    const uint32_t fixed = Key{}(row->mask);
    const uint32_t free_bits = ~fixed & ((uint32_t{1} << Key::kBits) - 1);
    uint32_t variable = 0;
    do {
      uint16_t& head = heads_[Key{}(row->match) | variable];
      const auto [chain, is_new] = extended.try_emplace(head, static_cast<uint16_t>(nodes_.size()));
      if (is_new) nodes_.push_back({row, head});
      head = chain->second;
      variable = (variable - free_bits) & free_bits;  // the next subset of the free bits
    } while (variable != 0);
  }

  std::array<uint16_t, size_t{1} << Key::kBits> heads_{};
  std::vector<Node> nodes_{Node{nullptr, kEnd}};
};

}  // namespace emu
