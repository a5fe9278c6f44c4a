#include <algorithm>
#include <optional>

#include "emu/ir/ir.h"

namespace emu::ir {
namespace {

/// Accesses further apart do not share a check: the longer a range the likelier it goes over a page's end.
constexpr int64_t kLongestRange = 256;  // bytes

/// Loads or stores at constant distances from one value.
struct Group {
  Ref base = kNone;
  bool stores = false;
  bool is_open = true;
  int64_t begin = 0;
  int64_t end = 0;
  Ref first = kNone;  ///< the node of the first access
  unsigned accesses = 1;

  int64_t longest_with(int64_t from, int64_t to) const { return std::max(end, to) - std::min(begin, from); }
};

struct Place {
  Ref base;
  int64_t offset;
};

Place place_of(const Block& block, Ref address) {
  const Node& sum = block[address];
  if (sum.op != Op::add || block[sum.b].op != Op::constant) return {address, 0};
  const int64_t offset = block[sum.b].imm;
  return offset == static_cast<int32_t>(offset) ? Place{sum.a, offset} : Place{address, 0};
}

/// Puts each access into a group; `group_of` gets the group's number by node.
std::vector<Group> find_groups(const Block& block, std::vector<std::optional<size_t>>& group_of) {
  std::vector<Group> groups;
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    const Node& node = block.nodes[i];
    if (node.op == Op::call) {
      for (Group& group : groups) group.is_open = false;
    }
    if (node.op != Op::load && node.op != Op::store) continue;
    const Place place = place_of(block, node.a);
    const bool stores = node.op == Op::store;
    const int64_t end = place.offset + node.size;
    const auto joins = [&](const Group& group) {
      return group.is_open && group.base == place.base && group.stores == stores &&
             group.longest_with(place.offset, end) <= kLongestRange;
    };
    const auto found = std::find_if(groups.begin(), groups.end(), joins);
    group_of[i] = static_cast<size_t>(found - groups.begin());
    if (found == groups.end()) {
      groups.push_back(
          {.base = place.base, .stores = stores, .begin = place.offset, .end = end, .first = static_cast<Ref>(i)});
    } else {
      found->begin = std::min(found->begin, place.offset);
      found->end = std::max(found->end, end);
      ++found->accesses;
    }
  }
  return groups;
}

}  // namespace

void share_checks(Block& block) {
  std::vector<std::optional<size_t>> group_of(block.nodes.size());
  const std::vector<Group> groups = find_groups(block, group_of);
  std::vector<Node> nodes;
  std::vector<Ref> renamed(block.nodes.size(), kNone);
  std::vector<Ref> reach_of(groups.size(), kNone);
  const auto append = [&nodes](const Node& node) {
    nodes.push_back(node);
    return static_cast<Ref>(nodes.size() - 1);
  };
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    Node node = block.nodes[i];
    const unsigned operands = info(node.op).operands;
    if (operands > 0) node.a = renamed[node.a];
    if (operands > 1) node.b = renamed[node.b];
    if (operands > 2) node.c = renamed[node.c];
    if (group_of[i] && groups[*group_of[i]].accesses > 1) {
      const Group& group = groups[*group_of[i]];
      Ref& reach = reach_of[*group_of[i]];
      if (group.first == i) {
        reach = append({.op = group.stores ? Op::reach_to_store : Op::reach_to_load,
                        .insn = node.insn,
                        .a = renamed[group.base],
                        .otherwise = static_cast<int32_t>(group.end - group.begin),
                        .imm = group.begin});
      }
      node.op = group.stores ? Op::store_near : Op::load_near;
      (group.stores ? node.c : node.b) = reach;
    }
    renamed[i] = append(node);
  }
  block.nodes = std::move(nodes);
}

}  // namespace emu::ir
