#pragma once

#include "hv/base/result.h"
#include "hv/core/state_io.h"

namespace hv {

/// A part of a machine whose state can be saved and loaded again. Called while vCPUs and event loops stand still.
class Snapshottable {
 public:
  virtual ~Snapshottable() = default;
  virtual void save(StateWriter& writer) const = 0;
  /// Takes over a saved state, or leaves an error; after an error the object is fit only for reset or destruction.
  virtual Result<void> load(StateReader& reader) = 0;
};

}  // namespace hv
