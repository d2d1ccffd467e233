// Operations on each value by itself. Bound by memory.
#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/lanes-inl.h"
#include "ops/cpu/parallel.h"
#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// Runs f(row) for every row of a matrix.
template <class F>
void ForRows(Context& context, int64_t rows, int64_t row_bytes, const F& f) {
  ForRowBlocks(context, rows, row_bytes, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) f(row);
  });
}

void Embed(Context& context, const View& table, const int32_t* ids, int32_t offset, const Matrix& out) {
  ForRows(context, out.rows, out.cols * 8, [&](int64_t row) {
    const int64_t start = (static_cast<int64_t>(ids[row]) + offset) * out.cols;
    float* to = out.row(row);
    ForLanes(out.cols, [&](auto d, int64_t i) { hn::StoreU(LoadView(d, table, start + i), d, to + i); });
  });
}

void Activate(Context& context, const Matrix& x, Activation activation, const Matrix& out) {
  ForRows(context, x.rows, x.cols * 8, [&](int64_t row) {
    const float* from = x.row(row);
    float* to = out.row(row);
    ForLanes(x.cols,
             [&](auto d, int64_t i) { hn::StoreU(ActivationOf(d, activation, hn::LoadU(d, from + i)), d, to + i); });
  });
}

void AddTable(Context& context, const View& table, const Matrix& x, const Matrix& out) {
  ForRows(context, out.rows, out.cols * 12, [&](int64_t row) {
    const float* from = x.rows == 1 ? x.data : x.row(row);
    float* to = out.row(row);
    ForLanes(out.cols, [&](auto d, int64_t i) {
      hn::StoreU(hn::Add(LoadView(d, table, row * out.cols + i), hn::LoadU(d, from + i)), d, to + i);
    });
  });
}

void AddRow(Context& context, const Matrix& row, const Matrix& x) {
  ForRows(context, x.rows, x.cols * 8, [&](int64_t t) {
    float* at = x.row(t);
    ForLanes(x.cols, [&](auto d, int64_t i) {
      hn::StoreU(hn::Add(hn::LoadU(d, at + i), hn::LoadU(d, row.data + i)), d, at + i);
    });
  });
}

void GuidedStep(Context& context, const Matrix& null, const Matrix& cond, const StepScalars& step,
                const Matrix& velocity, const Matrix& x) {
  ForRows(context, x.rows, x.cols * 20, [&](int64_t row) {
    const float* conditional = cond.row(row);
    const float* unconditional = null.empty() ? nullptr : null.row(row);
    float* kept = velocity.empty() ? nullptr : velocity.row(row);
    float* at = x.row(row);
    ForLanes(x.cols, [&](auto d, int64_t i) {
      auto v = hn::LoadU(d, conditional + i);
      if (unconditional != nullptr) {
        const auto base = hn::LoadU(d, unconditional + i);
        v = hn::MulAdd(hn::Set(d, step.guidance), hn::Sub(v, base), base);
      }
      if (kept != nullptr) hn::StoreU(v, d, kept + i);
      hn::StoreU(hn::MulAdd(hn::Set(d, step.delta), v, hn::LoadU(d, at + i)), d, at + i);
    });
  });
}

void ToPixels(Context& context, const Matrix& x, uint8_t* pixels) {
  // A dense map is one long row: three channels alone would leave most of a vector empty.
  const bool dense = x.stride == x.cols;
  const int64_t chunk = dense ? kTaskBytes / 8 : x.cols;
  const int64_t count = x.rows * x.cols;
  ForRows(context, dense ? (count + chunk - 1) / chunk : x.rows, chunk * 5, [&](int64_t row) {
    const float* from = dense ? x.data + row * chunk : x.row(row);
    uint8_t* to = pixels + row * chunk;
    ForLanes(std::min(chunk, count - row * chunk), [&](auto d, int64_t i) {
      auto v = hn::Add(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, 0.5f)), hn::Set(d, 0.5f));
      v = hn::IfThenElseZero(hn::Eq(v, v), v);  // NaN: black
      v = hn::Mul(hn::Clamp(v, hn::Zero(d), hn::Set(d, 1.0f)), hn::Set(d, 255.0f));
      const hn::Rebind<uint8_t, decltype(d)> bytes;
      hn::StoreU(hn::DemoteTo(bytes, hn::NearestInt(v)), bytes, to + i);
    });
  });
}

void FromPixels(Context& context, const uint8_t* pixels, const Matrix& out) {
  const bool dense = out.stride == out.cols;
  const int64_t chunk = dense ? kTaskBytes / 8 : out.cols;
  const int64_t count = out.rows * out.cols;
  ForRows(context, dense ? (count + chunk - 1) / chunk : out.rows, chunk * 5, [&](int64_t row) {
    const uint8_t* from = pixels + row * chunk;
    float* to = dense ? out.data + row * chunk : out.row(row);
    ForLanes(std::min(chunk, count - row * chunk), [&](auto d, int64_t i) {
      const hn::Rebind<uint8_t, decltype(d)> bytes;
      const hn::Rebind<int32_t, decltype(d)> integers;
      const auto value = hn::ConvertTo(d, hn::PromoteTo(integers, hn::LoadU(bytes, from + i)));
      // The quotient is rounded as the reference's is; twice a difference is exact, and so is a division by 0.5.
      const auto half = hn::Set(d, 0.5f), centred = hn::Sub(hn::Div(value, hn::Set(d, 255.0f)), half);
      hn::StoreU(hn::Add(centred, centred), d, to + i);
    });
  });
}

void FollowPath(Context& context, const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                const Matrix& x) {
  ForRows(context, x.rows, x.cols * 16, [&](int64_t row) {
    const float free = mask.empty() ? 0.0f : mask.row(row)[0];
    const float *latent = latents.row(row), *noisy = noise.row(row);
    float* at = x.row(row);
    // A row that is quite free or quite bound keeps its bytes, or the path's: 0 times an infinite value would not.
    if (free == 1.0f) return;
    ForLanes(x.cols, [&](auto d, int64_t i) {
      const auto path = hn::MulAdd(hn::Set(d, sigma), hn::LoadU(d, noisy + i),
                                   hn::Mul(hn::Set(d, 1.0f - sigma), hn::LoadU(d, latent + i)));
      if (free == 0.0f) {
        hn::StoreU(path, d, at + i);
      } else {
        hn::StoreU(hn::MulAdd(hn::Set(d, free), hn::LoadU(d, at + i), hn::Mul(hn::Set(d, 1.0f - free), path)), d,
                   at + i);
      }
    });
  });
}

// The largest value of a row; −∞ where all are NaN.
float LargestOf(const float* x, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto least = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto largest0 = least, largest1 = least;
  const auto keep = [&](auto largest, auto v) { return hn::IfThenElse(hn::Gt(v, largest), v, largest); };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    largest0 = keep(largest0, hn::LoadU(d, x + i));
    largest1 = keep(largest1, hn::LoadU(d, x + i + lanes));
  }
  float largest = hn::GetLane(hn::MaxOfLanes(d, keep(largest0, largest1)));
  for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// The largest value first, its place only where it wins: most column blocks change few rows.
void KeepLargest(Context& context, const Matrix& scores, int32_t first, float* best, int32_t* index) {
  ForRows(context, scores.rows, scores.cols * 4, [&](int64_t row) {
    const float* x = scores.row(row);
    if (first == 0) {
      best[row] = -std::numeric_limits<float>::infinity();
      index[row] = 0;
    }
    const float largest = LargestOf(x, scores.cols);
    if (!(largest > best[row])) return;
    best[row] = largest;
    index[row] = first + static_cast<int32_t>(std::find(x, x + scores.cols, largest) - x);
  });
}

// True when no value has all exponent bits set.
bool FiniteRow(const float* x, int64_t n) {
  const hn::ScalableTag<int32_t> di;
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto magnitude = hn::Set(di, 0x7FFFFFFF);
  auto largest0 = hn::Zero(di), largest1 = hn::Zero(di);
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    largest0 = hn::Max(largest0, hn::And(hn::BitCast(di, hn::LoadU(d, x + i)), magnitude));
    largest1 = hn::Max(largest1, hn::And(hn::BitCast(di, hn::LoadU(d, x + i + lanes)), magnitude));
  }
  int32_t largest = hn::GetLane(hn::MaxOfLanes(di, hn::Max(largest0, largest1)));
  for (; i < n; ++i) {
    int32_t bits;
    std::memcpy(&bits, x + i, sizeof bits);
    largest = std::max(largest, bits & 0x7FFFFFFF);
  }
  return largest < 0x7F800000;
}

bool AllFinite(Context& context, const Matrix& x) {
  std::atomic<bool> finite = true;
  ForRows(context, x.rows, x.cols * 4, [&](int64_t row) {
    if (!FiniteRow(x.row(row), x.cols)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(Embed);
void Embed(Context& context, const View& table, const int32_t* ids, int32_t offset, const Matrix& out) {
  assert(table.shape.rank() == 2 && table.shape[1] == out.cols);
  HWY_DYNAMIC_DISPATCH(Embed)(context, table, ids, offset, out);
}

HWY_EXPORT(Activate);
void Activate(Context& context, const Matrix& x, Activation activation, const Matrix& out) {
  assert(out.rows == x.rows && out.cols == x.cols);
  HWY_DYNAMIC_DISPATCH(Activate)(context, x, activation, out);
}

HWY_EXPORT(AddTable);
void AddTable(Context& context, const View& table, const Matrix& x, const Matrix& out) {
  assert(table.count() == out.rows * out.cols && x.cols == out.cols && (x.rows == 1 || x.rows == out.rows));
  HWY_DYNAMIC_DISPATCH(AddTable)(context, table, x, out);
}

HWY_EXPORT(AddRow);
void AddRow(Context& context, const Matrix& row, const Matrix& x) {
  assert(row.rows == 1 && row.cols == x.cols);
  HWY_DYNAMIC_DISPATCH(AddRow)(context, row, x);
}

HWY_EXPORT(GuidedStep);
void GuidedStep(Context& context, const Matrix& null, const Matrix& cond, const StepScalars& step,
                const Matrix& velocity, const Matrix& x) {
  assert(cond.rows == x.rows && cond.cols == x.cols && (null.empty() || (null.rows == x.rows && null.cols == x.cols)));
  assert(velocity.empty() || (velocity.rows == x.rows && velocity.cols == x.cols));
  HWY_DYNAMIC_DISPATCH(GuidedStep)(context, null, cond, step, velocity, x);
}

HWY_EXPORT(ToPixels);
void ToPixels(Context& context, const Matrix& x, uint8_t* pixels) {
  HWY_DYNAMIC_DISPATCH(ToPixels)(context, x, pixels);
}

HWY_EXPORT(FromPixels);
void FromPixels(Context& context, const uint8_t* pixels, const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(FromPixels)(context, pixels, out);
}

HWY_EXPORT(FollowPath);
void FollowPath(Context& context, const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                const Matrix& x) {
  assert(mask.empty() || (mask.rows == x.rows && mask.cols == 1));
  assert(latents.rows == x.rows && latents.cols == x.cols && noise.rows == x.rows && noise.cols == x.cols);
  HWY_DYNAMIC_DISPATCH(FollowPath)(context, mask, latents, noise, sigma, x);
}

HWY_EXPORT(KeepLargest);
void KeepLargest(Context& context, const Matrix& scores, int32_t first, float* best, int32_t* index) {
  HWY_DYNAMIC_DISPATCH(KeepLargest)(context, scores, first, best, index);
}

HWY_EXPORT(AllFinite);
bool AllFinite(Context& context, const Matrix& x) { return HWY_DYNAMIC_DISPATCH(AllFinite)(context, x); }

}  // namespace blip3o::cpu
#endif
