#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace hv {

/// A host or configuration failure, worded for the person who reads it: what could not be done, to what, and why.
/// `code` is the errno value behind it, or 0 where there is none.
struct Error {
  std::string message;
  int code = 0;
};

template <typename T>
using Result = tl::expected<T, Error>;

/// An Error with a formatted message: `return hv::error("{}: not an ELF file", path);`
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

/// An Error for a failed system call: the message followed by errno in words. errno is read before anything else.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> os_error(fmt::format_string<Args...> format, Args&&... args) {
  const int code = errno;
  return tl::unexpected(Error{fmt::format(format, std::forward<Args>(args)...) + ": " + std::strerror(code), code});
}

/// What TRY evaluates to; `result` holds a value.
template <typename T>
T take_value(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace hv

/// The value of a Result, or a return from the calling function with its error.
#define TRY(...)                                                           \
  ({                                                                       \
    auto try_result = (__VA_ARGS__);                                       \
    if (!try_result) return tl::unexpected(std::move(try_result).error()); \
    ::hv::take_value(std::move(try_result));                               \
  })
