#include "ops/cuda/device/pieces.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace blip3o::cuda {

Pieces::Pieces(int64_t bytes) : free_(bytes / kAlignment * kAlignment) {
  if (free_ > 0) gaps_.emplace(0, free_);
}

std::optional<int64_t> Pieces::Take(int64_t bytes) {
  const int64_t size = (std::max<int64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  auto best = gaps_.end();
  for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
    if (gap->second >= size && (best == gaps_.end() || gap->second < best->second)) best = gap;
  }
  if (best == gaps_.end()) return std::nullopt;
  const int64_t offset = best->first;
  taken_.emplace(offset, size);  // the only allocation, while nothing has changed yet
  auto rest = gaps_.extract(best);
  if (rest.mapped() > size) {
    rest.key() += size;
    rest.mapped() -= size;
    gaps_.insert(std::move(rest));
  }
  free_ -= size;
  return offset;
}

void Pieces::Give(int64_t offset) noexcept {
  auto piece = taken_.extract(offset);
  free_ += piece.mapped();
  const auto gap = gaps_.insert(std::move(piece)).position;
  if (const auto next = std::next(gap); next != gaps_.end() && next->first == gap->first + gap->second) {
    gap->second += next->second;
    gaps_.erase(next);
  }
  if (gap == gaps_.begin()) return;
  const auto before = std::prev(gap);
  if (before->first + before->second != gap->first) return;
  before->second += gap->second;
  gaps_.erase(gap);
}

}  // namespace blip3o::cuda
