#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace hv::kvm::test {

/// Instructions of four bytes each, in any order; every fourth is a random word, which is mostly none.
inline std::vector<std::byte> hostile_words(std::mt19937_64& random, std::span<const std::byte> instructions) {
  constexpr size_t kWord = 4;
  std::vector<std::byte> code;
  while (code.size() < 512) {
    if (random() % 4 == 0) {
      for (size_t i = 0; i < kWord; ++i) code.push_back(static_cast<std::byte>(random()));
    } else {
      const auto word = instructions.subspan(random() % (instructions.size() / kWord) * kWord, kWord);
      code.insert(code.end(), word.begin(), word.end());
    }
  }
  return code;
}

}  // namespace hv::kvm::test
