// How long work tells where it is, and learns that it should stop.
#pragma once

#include "base/status.h"

namespace blip3o {

class Progress {
 public:
  virtual ~Progress() = default;
  // `done` of `count` parts are done. Not ok (cancelled) when the rest should not be started.
  virtual Status Advance(int done, int count) = 0;
};

}  // namespace blip3o
