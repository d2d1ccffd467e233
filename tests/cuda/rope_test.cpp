#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/token_loop.h"

namespace blip3o {
namespace {

using test::Comparison;
using test::DeviceCache;
using test::DeviceContext;
using test::DeviceTable;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::HostCache;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;

constexpr double kEps = 1e-6, kTheta = 1e6;

std::vector<double> RotatedHead(const float* x, const OwnedWeight& weight, int64_t head_dim, int64_t position) {
  double squares = 0;
  for (int64_t i = 0; i < head_dim; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double factor = 1 / std::sqrt(squares / static_cast<double>(head_dim) + kEps);
  std::vector<double> out(static_cast<size_t>(head_dim));
  const int64_t half = head_dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head_dim);
    const double angle = static_cast<double>(position) * std::pow(kTheta, exponent);
    const double low = x[i] * factor * weight[i], high = x[half + i] * factor * weight[half + i];
    out[i] = low * std::cos(angle) - high * std::sin(angle);
    out[half + i] = high * std::cos(angle) + low * std::sin(angle);
  }
  return out;
}

// Values after the norm stay below sqrt(head_dim); a dozen roundings each, and half of one for each of the angles.
double HeadBound(int64_t head_dim) { return 16 * 0x1p-24 * std::sqrt(static_cast<double>(head_dim)); }

void ExpectHead(const float* actual, const std::vector<double>& expected, int64_t row, Comparison& comparison) {
  const double tolerance = HeadBound(static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    comparison.Add(actual[i], expected[i], tolerance, row, static_cast<int64_t>(i));
  }
}

// Rows of one sequence from `position` on, or each of a sequence of its own.
struct Job {
  Job(const AttentionShape& shape, int64_t rows, DType dtype)
      : q_norm(Shape{shape.head_dim}, dtype, Numbers(1)),
        k_norm(Shape{shape.head_dim}, dtype, Numbers(2)),
        q(rows, shape.heads * shape.head_dim, Numbers(3)),
        k(rows, shape.kv_heads * shape.head_dim, Numbers(4)),
        v(rows, shape.kv_heads * shape.head_dim, Numbers(5)) {
    parameters = {shape, *q_norm, *k_norm, kEps, kTheta};
  }

  void ExpectQueries(const OwnedMatrix& rotated, int64_t t, int64_t position, Comparison& comparison) const {
    const int64_t d = parameters.shape.head_dim;
    for (int64_t head = 0; head < parameters.shape.heads; ++head) {
      ExpectHead((*rotated).row(t) + head * d, RotatedHead((*q).row(t) + head * d, q_norm, d, position), t, comparison);
    }
  }
  // Row t's keys and values in `layer` of a cache.
  void ExpectEntry(HostCache& cache, int64_t layer, int64_t t, int64_t position, Comparison& comparison) const {
    const int64_t d = parameters.shape.head_dim;
    for (int64_t head = 0; head < parameters.shape.kv_heads; ++head) {
      ExpectHead(cache.Key(layer, head, position), RotatedHead((*k).row(t) + head * d, k_norm, d, position), t,
                 comparison);
      EXPECT_EQ(std::memcmp(cache.Value(layer, head, position), (*v).row(t) + head * d,
                            static_cast<size_t>(d) * sizeof(float)),
                0);
    }
  }

  OwnedWeight q_norm, k_norm;
  OwnedMatrix q, k, v;
  RotaryParameters parameters;
};

// Nothing but positions [first, last] of `layer` was written.
void ExpectUntouched(HostCache& cache, const AttentionShape& shape, int64_t layers, int64_t layer, int64_t first,
                     int64_t last) {
  int64_t written = 0;
  for (int64_t l = 0; l < layers; ++l) {
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
      for (int64_t p = 0; p < cache.capacity(); ++p) {
        if (l == layer && p >= first && p <= last) continue;
        for (int64_t i = 0; i < shape.head_dim; ++i) {
          written += std::isnan(cache.Key(l, head, p)[i]) && std::isnan(cache.Value(l, head, p)[i]) ? 0 : 1;
        }
      }
    }
  }
  EXPECT_EQ(written, 0);
}

void CheckPrefill(const AttentionShape& shape, int64_t rows, int64_t position, DType dtype) {
  SCOPED_TRACE(std::to_string(shape.heads) + " heads of " + std::to_string(shape.head_dim));
  const Job job(shape, rows, dtype);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    HostCache cache(shape, 1, position + rows + 2, 0, 6);
    const DeviceCache on_device(context, cache, placement == Placement::kOdd ? 1 : 4);
    OwnedMatrix rotated(job.q);
    const PlacedMatrix q(context, job.q, placement), k(context, job.k, placement), v(context, job.v, placement);
    float* keys = on_device.data();
    float* values = keys + shape.kv_heads * cache.capacity() * shape.head_dim;
    cuda::RotaryAppend(context, job.parameters, *q, *k, *v, {keys, values, cache.capacity(), position});
    ASSERT_TRUE(q.CopyTo(rotated));
    cache.SetValues(on_device.Read());
    Comparison comparison;
    for (int64_t t = 0; t < rows; ++t) {
      job.ExpectQueries(rotated, t, position + t, comparison);
      job.ExpectEntry(cache, 0, t, position + t, comparison);
    }
    EXPECT_TRUE(comparison.Verdict());
    ExpectUntouched(cache, shape, 1, 0, position, position + rows - 1);
  });
}

TEST(CudaRotaryAppend, EqualsItsFormula) {
  CheckPrefill({1, 1, 2}, 1, 0, DType::kF32);
  CheckPrefill({6, 2, 24}, 13, 5, DType::kBF16);
  CheckPrefill({2, 1, 112}, 3, 4001, DType::kF16);
  CheckPrefill({16, 8, 128}, 3, 0, DType::kBF16);
  CheckPrefill({4, 2, 26}, 1, 1009, DType::kF32);
  CheckPrefill({9, 3, 66}, 2, 63, DType::kF32);
  CheckPrefill({1, 1, 514}, 2, 77, DType::kBF16);  // more pairs than threads
}

// Each is off by at most what ExpectHead allows.
TEST(CudaRotaryAppend, AgreesWithTheCpu) {
  const AttentionShape shape = {6, 2, 26};
  constexpr int64_t kRows = 5, kPosition = 1003, kCapacity = kPosition + kRows;
  const Job job(shape, kRows, DType::kBF16);
  HostCache there(shape, 1, kCapacity, 0, 6);
  const OwnedMatrix rotated_there(job.q);
  test::TestContext cpu(1);
  cpu::RotaryAppend(cpu, job.parameters, *rotated_there, *job.k, *job.v,
                    {there.Key(0, 0, 0), there.Value(0, 0, 0), kCapacity, kPosition});
  const double bound = 2 * HeadBound(shape.head_dim);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    HostCache here(shape, 1, kCapacity, 0, 6);
    const DeviceCache cache(context, here, placement == Placement::kOdd ? 1 : 4);
    OwnedMatrix rotated(job.q);
    const PlacedMatrix q(context, job.q, placement), k(context, job.k, placement), v(context, job.v, placement);
    float* values = cache.data() + shape.kv_heads * kCapacity * shape.head_dim;
    cuda::RotaryAppend(context, job.parameters, *q, *k, *v, {cache.data(), values, kCapacity, kPosition});
    ASSERT_TRUE(q.CopyTo(rotated));
    here.SetValues(cache.Read());
    Comparison comparison;
    for (int64_t t = 0; t < kRows; ++t) {
      for (int64_t c = 0; c < rotated.cols(); ++c) {
        comparison.Add(rotated.at(t, c), rotated_there.at(t, c), bound, t, c);
      }
    }
    for (size_t i = 0; i < here.values().size(); ++i) {  // NaN where neither has written
      comparison.Add(here.values()[i], there.values()[i], bound, -1, static_cast<int64_t>(i));
    }
    EXPECT_TRUE(comparison.Verdict());
  });
}

TEST(CudaRotaryAppend, AnglesKeepTheirDigitsAtEveryPosition) {
  for (const int64_t position : {1, 2, 1023, 8191, 32767, 40959}) CheckPrefill({1, 1, 32}, 1, position, DType::kF32);
}

void CheckTokens(const AttentionShape& shape, const std::vector<int64_t>& positions, DType dtype) {
  constexpr int64_t kLayers = 3, kLayer = 1;
  const int64_t rows = static_cast<int64_t>(positions.size());
  const Job job(shape, rows, dtype);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    std::vector<HostCache> caches;
    std::vector<std::unique_ptr<DeviceCache>> on_device;
    std::vector<TokenRow> table_rows;
    for (const int64_t position : positions) {
      caches.emplace_back(shape, kLayers, position + 2, 0, 6);
      on_device.push_back(std::make_unique<DeviceCache>(context, caches.back(), placement == Placement::kOdd ? 1 : 4));
      TokenRow row;
      row.cache = on_device.back()->data();
      row.capacity = position + 2;
      row.position = position;
      table_rows.push_back(row);
    }
    OwnedMatrix rotated(job.q);
    const DeviceTable table(context, table_rows, 1 << 20);
    const PlacedMatrix q(context, job.q, placement), k(context, job.k, placement), v(context, job.v, placement);
    cuda::RotaryAppendTokens(context, job.parameters, kLayer, *q, *k, *v, *table);
    ASSERT_TRUE(q.CopyTo(rotated));
    Comparison comparison;
    for (int64_t t = 0; t < rows; ++t) {
      HostCache& cache = caches[static_cast<size_t>(t)];
      const int64_t position = positions[static_cast<size_t>(t)];
      cache.SetValues(on_device[static_cast<size_t>(t)]->Read());
      job.ExpectQueries(rotated, t, position, comparison);
      job.ExpectEntry(cache, kLayer, t, position, comparison);
      ExpectUntouched(cache, shape, kLayers, kLayer, position, position);
    }
    EXPECT_TRUE(comparison.Verdict());
  });
}

TEST(CudaRotaryAppendTokens, EqualsItsFormulaInEveryRowsOwnCache) {
  CheckTokens({4, 2, 16}, {0, 7, 300, 1}, DType::kBF16);
  CheckTokens({7, 2, 40}, {129}, DType::kF32);
}

// A token at a position has the bytes of the same row in a prefill.
TEST(CudaRotaryAppendTokens, HaveTheBytesOfRotaryAppend) {
  const AttentionShape shape = {6, 2, 64};
  const int64_t rows = 5, position = 3;
  const Job job(shape, rows, DType::kBF16);
  ForEachSchedule([&](DeviceContext& context) {
    HostCache empty(shape, 1, 16, 0, 6);
    const DeviceCache whole(context, empty, 0), by_token(context, empty, 0);
    float* values = whole.data() + shape.kv_heads * 16 * shape.head_dim;
    const test::DeviceMatrix q(context, job.q), k(context, job.k), v(context, job.v), token_q(context, job.q);
    cuda::RotaryAppend(context, job.parameters, *q, *k, *v, {whole.data(), values, 16, position});
    for (int64_t t = 0; t < rows; ++t) {
      TokenRow row;
      row.cache = by_token.data();
      row.capacity = 16;
      row.position = position + t;
      const DeviceTable table(context, {row}, 16);
      cuda::RotaryAppendTokens(context, job.parameters, 0, (*token_q).Rows(t, 1), (*k).Rows(t, 1), (*v).Rows(t, 1),
                               *table);
    }
    OwnedMatrix rotated(job.q), token_rotated(job.q);
    q.CopyTo(rotated);
    token_q.CopyTo(token_rotated);
    EXPECT_TRUE(rotated == token_rotated);
    const std::vector<float> a = whole.Read(), b = by_token.Read();
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
  });
}

TEST(CudaRotaryAppend, KeepsNaNInItsHead) {
  const AttentionShape shape = {2, 1, 16};
  Job job(shape, 3, DType::kF32);
  job.q.at(1, 16 + 5) = std::numeric_limits<float>::quiet_NaN();
  ForEachSchedule([&](DeviceContext& context) {
    const HostCache empty(shape, 1, 4, 0, 6);
    const DeviceCache cache(context, empty, 0);
    const test::DeviceMatrix q(context, job.q), k(context, job.k), v(context, job.v);
    cuda::RotaryAppend(context, job.parameters, *q, *k, *v, {cache.data(), cache.data() + 64, 4, 0});
    OwnedMatrix rotated(job.q);
    q.CopyTo(rotated);
    for (int64_t t = 0; t < 3; ++t) {
      for (int64_t c = 0; c < 32; ++c) EXPECT_EQ(std::isnan(rotated.at(t, c)), t == 1 && c >= 16) << t << "," << c;
    }
  });
}

}  // namespace
}  // namespace blip3o
