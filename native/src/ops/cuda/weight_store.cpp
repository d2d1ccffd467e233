#include "ops/cuda/weight_store.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>

#include "ops/cuda/launch.h"
#include "ops/cuda/weight_pack.h"

namespace blip3o::cuda {

namespace {

constexpr int64_t kAlignment = 256;
constexpr int64_t kStagedBytes = 8 << 20;  // packed on the host before they are copied

// Where `part` lies in the packed `whole`; empty where it doesn't.
std::optional<DeviceWeight> PartOf(const View& whole, const DeviceWeight& packed, const View& part, Use use) {
  if (part.data == whole.data && part.dtype == whole.dtype && part.shape == whole.shape) return packed;
  if ((use != Use::kRows && use != Use::kVector) || part.dtype != whole.dtype || part.dtype == DType::kQ8) return {};
  const int64_t offset = static_cast<const char*>(part.data) - static_cast<const char*>(whole.data);
  if (offset < 0 || offset + part.size_bytes() > whole.size_bytes()) return {};

  DeviceWeight found = packed;
  if (use == Use::kVector) {
    if (offset % SizeOf(whole.dtype) != 0) return {};
    found.data = static_cast<const float*>(packed.data) + offset / SizeOf(whole.dtype);
    return found;
  }
  const int64_t rows = part.shape[0], cols = part.count() / rows, row_bytes = cols * SizeOf(part.dtype);
  if (cols != packed.cols || offset % row_bytes != 0) return {};
  const int64_t first = offset / row_bytes;
  found.data = static_cast<const char*>(packed.data) + first * packed.stride * ValueBytes(packed.type);
  if (packed.scales != nullptr) found.scales = packed.scales + first;
  found.rows = rows;
  return found;
}

// Of one that was computed in the device's memory.
DeviceWeight InPlace(Queue& queue, const View& view, Use use) {
  if (view.dtype != DType::kF32 || (use != Use::kRows && use != Use::kTable && use != Use::kVector)) {
    queue.Fail(InternalError("a weight in the device's memory is an F32 matrix or vector: found " +
                             std::string(NameOf(view.dtype)) + " " + view.shape.ToString()));
    return {};
  }
  const int64_t rows = view.shape[0], cols = view.count() / rows;
  return {view.data, nullptr, WeightType::kF32, rows, cols, cols};
}

}  // namespace

std::pair<std::vector<WeightStore::Placed>, int64_t> WeightStore::Plan(const std::vector<Wanted>& wanted) const {
  std::vector<Wanted> sorted;
  for (const Wanted& w : wanted) {
    if (!w.view.empty()) sorted.push_back(w);
  }
  // The whole comes before its parts.
  std::stable_sort(sorted.begin(), sorted.end(), [](const Wanted& a, const Wanted& b) {
    return std::tuple(KindOf(a.use), a.view.data, -a.view.size_bytes()) <
           std::tuple(KindOf(b.use), b.view.data, -b.view.size_bytes());
  });
  std::vector<Placed> placed;
  int64_t end = 0;
  for (const Wanted& w : sorted) {
    if (!placed.empty() && KindOf(placed.back().wanted.use) == KindOf(w.use)) {
      const View& whole = placed.back().wanted.view;
      const PackedForm form = FormOf(whole, placed.back().wanted.use, options_);
      const DeviceWeight packed = {nullptr, nullptr, form.type, form.lines, form.cols, form.stride};
      if (PartOf(whole, packed, w.view, KindOf(w.use))) continue;
    }
    placed.push_back({w, end});
    end += RoundUp(FormOf(w.view, w.use, options_).bytes(), kAlignment);
  }
  return {std::move(placed), end};
}

int64_t WeightStore::SizeOf(const std::vector<Wanted>& wanted) const { return Plan(wanted).second; }

Status WeightStore::Preload(Queue& queue, const std::vector<Wanted>& wanted) {
  BLIP3O_ASSIGN_OR_RETURN(Buffer memory, Load(queue, wanted));
  const std::lock_guard lock(mutex_);
  kept_.push_back(std::move(memory));
  return {};
}

Result<Buffer> WeightStore::Load(Queue& queue, const std::vector<Wanted>& wanted) {
  const auto [placed, bytes] = Plan(wanted);
  if (placed.empty()) return Buffer();
  BLIP3O_ASSIGN_OR_RETURN(Buffer memory, queue.Allocate(bytes));
  std::map<Key, Entry> entries;
  try {
    for (const Placed& p : placed) {
      const View& view = p.wanted.view;
      void* to = static_cast<char*>(memory.data()) + p.offset;
      entries[{KindOf(p.wanted.use), view.data}] = {view, Buffer(), Upload(queue, view, p.wanted.use, to)};
    }
  } catch (...) {
    (void)queue.Finish();  // nothing may be on its way to memory that others get next
    throw;
  }
  BLIP3O_RETURN_IF_ERROR(queue.Finish());
  const std::lock_guard lock(mutex_);
  entries_.merge(entries);
  return memory;
}

void WeightStore::Remove(const std::vector<Wanted>& wanted) {
  const std::lock_guard lock(mutex_);
  for (const Wanted& w : wanted) {
    const char* const begin = static_cast<const char*>(w.view.data);
    std::erase_if(entries_, [&](const auto& entry) {
      const char* const at = static_cast<const char*>(entry.first.second);
      return begin <= at && at < begin + w.view.size_bytes();
    });
  }
}

int64_t WeightStore::bytes() const {
  const std::lock_guard lock(mutex_);
  int64_t bytes = 0;
  for (const Buffer& buffer : kept_) bytes += buffer.size_bytes();
  for (const auto& [key, entry] : entries_) bytes += entry.own.size_bytes();
  return bytes;
}

const float* WeightStore::Vector(Queue& queue, const View& view) {
  return static_cast<const float*>(Find(queue, view, Use::kVector).data);
}

const float* WeightStore::Depthwise(Queue& queue, const View& view) {
  return static_cast<const float*>(Find(queue, view, Use::kDepthwise).data);
}

DeviceWeight WeightStore::Rows(Queue& queue, const View& view, Use use) {
  assert(use == Use::kRows || use == Use::kStepRows || use == Use::kTable || use == Use::kConv ||
         use == Use::kUpsample);
  return Find(queue, view, use);
}

DeviceWeight WeightStore::Find(Queue& queue, const View& view, Use use) {
  if (view.empty()) return {};
  if (queue.Owns(view.data)) return InPlace(queue, view, use);
  const std::lock_guard lock(mutex_);
  auto after = entries_.upper_bound({KindOf(use), view.data});
  if (after != entries_.begin()) {
    const auto& [key, entry] = *--after;
    if (key.first == KindOf(use)) {
      if (const auto found = PartOf(entry.view, entry.weight, view, key.first)) return *found;
    }
  }
  return BringIn(queue, view, use);
}

DeviceWeight WeightStore::BringIn(Queue& queue, const View& view, Use use) {
  if (!queue.ok()) return {};
  Result<Buffer> memory = queue.Allocate(FormOf(view, use, options_).bytes());
  if (!memory.ok()) {
    queue.Fail(memory.status());
    return {};
  }
  const DeviceWeight weight = Upload(queue, view, use, memory->data());
  // Other queues of the device find it from now on: it has to be there.
  char first;
  queue.CopyOut(weight.data, 1, &first);
  if (!queue.ok()) {
    // Nobody knows whether a copy to it is still under way.
    kept_.push_back(std::move(*memory));
    return {};
  }
  Entry& entry = entries_[{KindOf(use), view.data}];
  if (entry.own.data() != nullptr) kept_.push_back(std::move(entry.own));
  entry = {view, std::move(*memory), weight};
  return weight;
}

DeviceWeight WeightStore::Upload(Queue& queue, const View& view, Use use, void* to) const {
  const PackedForm form = FormOf(view, use, options_);
  char* lines = static_cast<char*>(to);
  DeviceWeight weight = {to, nullptr, form.type, form.lines, form.cols, form.stride};
  if (form.scales_bytes() > 0) weight.scales = reinterpret_cast<const float*>(lines + form.lines_bytes());
  if (!queue.HoldsData()) return weight;
  const int64_t lines_at_once = std::max<int64_t>(1, kStagedBytes / form.line_bytes());
  std::vector<char> staged(static_cast<size_t>(std::min(lines_at_once, form.lines) * form.line_bytes()));
  std::vector<float> scales(static_cast<size_t>(form.lines * form.line_scales()));
  for (int64_t line = 0; line < form.lines; line += lines_at_once) {
    const int64_t count = std::min(lines_at_once, form.lines - line);
    PackLines(view, use, form, line, count, staged.data(), scales.data() + line * form.line_scales());
    queue.CopyIn(staged.data(), count * form.line_bytes(), lines + line * form.line_bytes());
  }
  queue.CopyIn(scales.data(), form.scales_bytes(), lines + form.lines_bytes());
  return weight;
}

}  // namespace blip3o::cuda
