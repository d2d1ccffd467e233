#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "ops/cuda/kernels.h"
#include "support/attention_reference.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/scratch_context.h"
#include "support/token_loop.h"

namespace blip3o {
namespace {

using test::AttentionReference;
using test::Comparison;
using test::DeviceCache;
using test::DeviceContext;
using test::DeviceTable;
using test::ForEachSchedule;
using test::HostCache;
using test::Numbers;
using test::OwnedMatrix;
using test::PlacedMatrix;
using test::Placement;

constexpr int64_t kLayers = 2, kLayer = 1;

// Rows at positions of their own, each with a cache of its own.
struct Decoding {
  Decoding(const AttentionShape& shape, const std::vector<int64_t>& positions)
      : shape(shape), positions(positions), q(static_cast<int64_t>(positions.size()), width(), Numbers(1)) {
    for (size_t r = 0; r < positions.size(); ++r) {
      const int64_t capacity = positions[r] + 1 + static_cast<int64_t>(r) % 3;
      caches.emplace_back(shape, kLayers, capacity, positions[r] + 1, 10 + r);
    }
  }

  int64_t width() const { return shape.heads * shape.head_dim; }
  int64_t rows() const { return q.rows(); }
  int64_t LeastPositions() const { return *std::max_element(positions.begin(), positions.end()) + 1; }

  // Rows [first, first + count) on the device; a cache's address is odd where the matrices' are.
  OwnedMatrix Run(DeviceContext& context, int64_t first, int64_t count, int64_t most_positions,
                  Placement placement) const {
    Capacity capacity;
    capacity.keys = most_positions;
    capacity.attention_width = width();
    context.Reserve(cuda::DecodeAttentionScratch(capacity));
    std::vector<std::unique_ptr<DeviceCache>> on_device;
    std::vector<TokenRow> table_rows;
    OwnedMatrix own_q(count, width()), out(count, width());
    for (int64_t r = first; r < first + count; ++r) {
      const HostCache& cache = caches[static_cast<size_t>(r)];
      on_device.push_back(std::make_unique<DeviceCache>(context, cache, placement == Placement::kOdd ? 1 : 4));
      TokenRow row;
      row.cache = on_device.back()->data();
      row.capacity = cache.capacity();
      row.position = positions[static_cast<size_t>(r)];
      table_rows.push_back(row);
      std::copy_n((*q).row(r), width(), (*own_q).row(r - first));
    }
    const DeviceTable table(context, table_rows, most_positions);
    const PlacedMatrix from(context, own_q, placement), to(context, out, placement);
    cuda::DecodeAttention(context, shape, kLayer, *from, *table, *to);
    EXPECT_TRUE(to.CopyTo(out)) << "outside of the result";
    return out;
  }

  AttentionShape shape;
  std::vector<int64_t> positions;
  OwnedMatrix q;
  mutable std::vector<HostCache> caches;
};

// The formula's values, or `other`'s.
void ExpectFormula(const Decoding& d, const OwnedMatrix& out, const OwnedMatrix* other = nullptr) {
  Comparison comparison;
  for (int64_t r = 0; r < d.rows(); ++r) {
    HostCache& cache = d.caches[static_cast<size_t>(r)];
    for (int64_t h = 0; h < d.shape.heads; ++h) {
      const int64_t kv = h / (d.shape.heads / d.shape.kv_heads), column = h * d.shape.head_dim;
      AttentionReference reference((*d.q).row(r) + column, d.shape.head_dim, test::kF32Attention);
      for (int64_t j = 0; j <= d.positions[static_cast<size_t>(r)]; ++j) {
        reference.Add(cache.Key(kLayer, kv, j), cache.Value(kLayer, kv, j));
      }
      reference.Check((*out).row(r) + column, r, column, comparison,
                      other == nullptr ? nullptr : (**other).row(r) + column);
    }
  }
  EXPECT_TRUE(comparison.Verdict());
}

void CheckDecode(const AttentionShape& shape, const std::vector<int64_t>& positions) {
  SCOPED_TRACE(std::to_string(shape.heads) + " heads of " + std::to_string(shape.head_dim));
  const Decoding d(shape, positions);
  test::ForEachPlacement([&](DeviceContext& context, Placement placement) {
    ExpectFormula(d, d.Run(context, 0, d.rows(), d.LeastPositions(), placement));
  });
}

TEST(CudaDecodeAttention, EqualsItsFormula) {
  CheckDecode({2, 1, 2}, {5, 130});
  CheckDecode({2, 2, 18}, {0, 33});
  CheckDecode({4, 2, 24}, {129, 1, 70});
  CheckDecode({7, 1, 40}, {31});
  CheckDecode({3, 1, 72}, {260});
  CheckDecode({2, 1, 128}, {127, 128});
}

TEST(CudaDecodeAttention, EqualsItsFormulaAtTheEndsOfItsParts) {
  const Decoding d({2, 1, 8}, {0, 1, 7, 8, 31, 32, 126, 127, 128, 129, 255, 256, 383, 384, 700});
  ForEachSchedule([&](DeviceContext& context) {
    ExpectFormula(d, d.Run(context, 0, d.rows(), d.LeastPositions(), Placement::kAligned));
  });
}

TEST(CudaDecodeAttention, AgreesWithTheCpu) {
  const Decoding d({6, 2, 18}, {0, 131, 64});
  std::vector<TokenRow> rows;
  for (size_t r = 0; r < d.caches.size(); ++r) {
    TokenRow row;
    row.cache = d.caches[r].Key(0, 0, 0);
    row.capacity = d.caches[r].capacity();
    row.position = d.positions[r];
    rows.push_back(row);
  }
  const Capacity capacity = {.keys = d.LeastPositions(), .attention_width = d.width()};
  test::ScratchContext cpu(1, cpu::AttentionScratch(capacity, 1));
  const OwnedMatrix expected(d.rows(), d.width());
  cpu::DecodeAttention(cpu, d.shape, kLayer, *d.q, {rows.data(), d.rows(), d.LeastPositions()}, *expected);
  test::ForEachPlacement([&](DeviceContext& context, Placement placement) {
    ExpectFormula(d, d.Run(context, 0, d.rows(), d.LeastPositions(), placement), &expected);
  });
}

TEST(CudaDecodeAttention, ScoresFarApartLeaveFewWeights) {
  Decoding d({2, 1, 16}, {300});
  for (int64_t c = 0; c < d.width(); ++c) d.q.at(0, c) *= 60.0f;
  ForEachSchedule(
      [&](DeviceContext& context) { ExpectFormula(d, d.Run(context, 0, 1, d.LeastPositions(), Placement::kDense)); });
}

TEST(CudaDecodeAttention, RowsHaveTheSameBytesInAnyCompany) {
  const Decoding d({4, 2, 16}, {150, 3, 400, 127, 128});
  ForEachSchedule([&](DeviceContext& context) {
    const OwnedMatrix together = d.Run(context, 0, d.rows(), 401, Placement::kAligned);
    for (int64_t r = 0; r < d.rows(); ++r) {
      const int64_t needed = d.positions[static_cast<size_t>(r)] + 1;
      for (const int64_t most_positions : {needed, int64_t{900}}) {
        const OwnedMatrix alone = d.Run(context, r, 1, most_positions, Placement::kOdd);
        ASSERT_EQ(std::memcmp((*alone).row(0), (*together).row(r), static_cast<size_t>(d.width()) * sizeof(float)), 0)
            << "row " << r << " of " << most_positions;
      }
    }
  });
}

TEST(CudaDecodeAttention, TwoOperationsShareTheirCounters) {
  const Decoding d({2, 1, 8}, {300, 20});
  ForEachSchedule([&](DeviceContext& context) {
    const OwnedMatrix once = d.Run(context, 0, 2, 301, Placement::kAligned);
    EXPECT_TRUE(context.CountersAreZero());
    EXPECT_TRUE(d.Run(context, 0, 2, 301, Placement::kAligned) == once);
  });
}

TEST(CudaDecodeAttention, KeepsNaNInItsRow) {
  const AttentionShape shape{4, 2, 24};
  for (const bool in_values : {false, true}) {
    Decoding d(shape, {199, 199});
    float* row = in_values ? d.caches[1].Value(kLayer, 1, 150) : d.caches[1].Key(kLayer, 1, 150);
    row[3] = std::numeric_limits<float>::quiet_NaN();
    ForEachSchedule([&](DeviceContext& context) {
      const OwnedMatrix out = d.Run(context, 0, 2, 200, Placement::kAligned);
      for (int64_t c = 0; c < d.width(); ++c) {
        EXPECT_TRUE(std::isfinite(out.at(0, c))) << c;
        // Heads 2 and 3 read key-value head 1.
        const bool touched = c >= 48 && (!in_values || c % 24 == 3);
        EXPECT_EQ(std::isnan(out.at(1, c)), touched) << c;
      }
    });
  }
}

TEST(CudaDecodeAttention, InfiniteValuesStayInfinite) {
  Decoding d({1, 1, 8}, {140});
  d.caches[0].Value(kLayer, 0, 130)[5] = -std::numeric_limits<float>::infinity();
  ForEachSchedule([&](DeviceContext& context) {
    const OwnedMatrix out = d.Run(context, 0, 1, 141, Placement::kAligned);
    for (int64_t c = 0; c < 8; ++c) {
      EXPECT_EQ(out.at(0, c) == -std::numeric_limits<float>::infinity(), c == 5) << c;
    }
  });
}

TEST(CudaDecodeAttention, NamesHeadsThatItDoesNotHold) {
  for (const int64_t head_dim : {7, 130}) {
    DeviceContext context({});
    const OwnedMatrix q(1, head_dim, Numbers(1));
    const test::DeviceMatrix from(context, q), to(context, q);
    const DeviceTable table(context, {TokenRow{}}, 1);
    cuda::DecodeAttention(context, {1, 1, head_dim}, 0, *from, *table, *to);
    const Status status = context.queue.Finish();
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    EXPECT_NE(status.message().find("found " + std::to_string(head_dim)), std::string::npos) << status.message();
  }
}

}  // namespace
}  // namespace blip3o
