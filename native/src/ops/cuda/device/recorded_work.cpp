#include "ops/cuda/device/recorded_work.h"

#include <algorithm>

namespace blip3o::cuda {

cudaGraphExec_t RecordedWork::Find(const RepeatKey& key, bool part) {
  for (Entry& entry : entries_) {
    if (entry.key == key && entry.part == part) {
      entry.used = ++uses_;
      return entry.exec;
    }
  }
  return nullptr;
}

Result<cudaGraphExec_t> RecordedWork::Keep(const RepeatKey& key, bool part, cudaGraph_t graph) {
  // An operand's place belongs to one owner at a time: the former one's record is of no use any more.
  auto place = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return e.key.workspace == key.workspace && e.key.form == key.form && e.key.owner != key.owner && e.part == part;
  });
  if (place == entries_.end() && entries_.size() >= kMost) {
    place = std::min_element(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.used < b.used; });
  }
  if (place == entries_.end()) place = entries_.insert(place, Entry());

  bool updated = false;
  if (place->exec != nullptr && place->key.form == key.form && place->part == part) {
    // Launches under way keep what they were started with.
    cudaGraphExecUpdateResultInfo info = {};
    updated = state_->Run("cudaGraphExecUpdate", [&] { return cudaGraphExecUpdate(place->exec, graph, &info); }).ok();
  }
  if (!updated) {
    Destroy(place->exec);
    place->exec = nullptr;
    const Status status =
        state_->Run("cudaGraphInstantiate", [&] { return cudaGraphInstantiate(&place->exec, graph, 0); });
    if (!status.ok()) {
      entries_.erase(place);
      return status;
    }
  }
  place->key = key;
  place->part = part;
  place->used = ++uses_;
  return place->exec;
}

void RecordedWork::Clear() {
  for (const Entry& entry : entries_) Destroy(entry.exec);
  entries_.clear();
}

void RecordedWork::Destroy(cudaGraphExec_t exec) {
  // One that is under way ends first.
  if (exec != nullptr) (void)state_->Run("cudaGraphExecDestroy", [&] { return cudaGraphExecDestroy(exec); });
}

}  // namespace blip3o::cuda
