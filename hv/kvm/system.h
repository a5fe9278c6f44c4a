#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "hv/base/result.h"
#include "hv/base/unique_fd.h"

namespace hv::kvm {

/// The host's KVM: /dev/kvm, opened. Constant after it was made; any thread.
class System {
 public:
  /// Error: a sentence that says why KVM cannot be used here (no device, no permission, another version).
  static Result<std::shared_ptr<const System>> open(const std::string& path = "/dev/kvm");

  int fd() const noexcept { return fd_.get(); }
  size_t run_size() const noexcept { return run_size_; }  ///< bytes of a vCPU's shared memory
  /// What KVM_CHECK_EXTENSION says: 0 for no.
  int extension(unsigned long capability) const noexcept;

 private:
  System() = default;

  UniqueFd fd_;
  size_t run_size_ = 0;
};

/// Why KVM cannot be used here, or an empty text.
std::string obstacle();

}  // namespace hv::kvm
