#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "base/dtype.h"
#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/token_loop.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using cuda::WeightType;
using test::Comparison;
using test::DeviceArray;
using test::DeviceContext;
using test::DeviceTable;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;

constexpr double kEps = 1e-6;

// Rows that have drawn so many tokens, with room for `kTokens`.
struct Rows {
  static constexpr int64_t kTokens = 5;

  Rows(DeviceContext& context, const std::vector<int64_t>& drawn, int64_t width, Placement placement) : width(width) {
    const int64_t shift = placement == Placement::kOdd ? 1 : 0;
    for (size_t r = 0; r < drawn.size(); ++r) {
      Numbers numbers(100 + r);
      std::vector<float> values(static_cast<size_t>(shift + (kTokens + 1) * width));
      for (float& value : values) value = numbers();
      std::vector<int32_t> codes(kTokens);
      for (int64_t i = 0; i < kTokens; ++i) codes[static_cast<size_t>(i)] = static_cast<int32_t>((3 * i + r) % 7);
      host_states.push_back(std::vector<float>(values.begin() + shift, values.end()));
      host_tokens.push_back(codes);
      states.push_back(std::make_unique<DeviceArray<float>>(context, values));
      tokens.push_back(std::make_unique<DeviceArray<int32_t>>(context, codes));
      TokenRow row;
      row.hidden_states = states.back()->data() + shift;
      row.tokens = tokens.back()->data();
      row.drawn = drawn[r];
      row.position = 40 + drawn[r];
      row.seed = 17;
      row.finite = 0;
      host_rows.push_back(row);
    }
    table = std::make_unique<DeviceTable>(context, host_rows, 50);
  }

  std::vector<float> ReadStates(size_t r) const {
    std::vector<float> values = states[r]->Read();
    values.erase(values.begin(), values.end() - (kTokens + 1) * width);
    return values;
  }

  int64_t width;
  std::vector<std::vector<float>> host_states;
  std::vector<std::vector<int32_t>> host_tokens;
  std::vector<TokenRow> host_rows;
  std::vector<std::unique_ptr<DeviceArray<float>>> states;
  std::vector<std::unique_ptr<DeviceArray<int32_t>>> tokens;
  std::unique_ptr<DeviceTable> table;
};

TEST(CudaGatherHiddenStates, TakesTheNewestRow) {
  for (const int64_t width : {1, 3, 64, 1027}) {
    ForEachPlacement([&](DeviceContext& context, Placement placement) {
      const Rows rows(context, {0, 4, 5}, width, placement);
      OwnedMatrix out(3, width);
      const PlacedMatrix to(context, out, placement);
      cuda::GatherHiddenStates(context, **rows.table, *to);
      ASSERT_TRUE(to.CopyTo(out));
      for (size_t r = 0; r < 3; ++r) {
        const float* expected = rows.host_states[r].data() + rows.host_rows[r].drawn * width;
        EXPECT_EQ(std::memcmp((*out).row(static_cast<int64_t>(r)), expected, static_cast<size_t>(width) * 4), 0) << r;
      }
    });
  }
}

TEST(CudaEmbedTokens, TakesTheRowOfTheNewestCode) {
  constexpr int64_t kOffset = 2;
  for (const WeightType type : {WeightType::kBF16, WeightType::kF32}) {
    for (const int64_t width : {1, 3, 64, 1027}) {
      const OwnedWeight embedding(Shape{9, width}, DType::kF32, Numbers(3));
      ForEachPlacement(
          [&](DeviceContext& context, Placement placement) {
            const Rows rows(context, {0, 4, 2}, width, placement);
            OwnedMatrix out(3, width);
            const PlacedMatrix to(context, out, placement);
            cuda::EmbedTokens(context, *embedding, kOffset, **rows.table, *to);
            ASSERT_TRUE(to.CopyTo(out));
            for (size_t r = 0; r < 3; ++r) {
              const int64_t id = rows.host_tokens[r][static_cast<size_t>(rows.host_rows[r].drawn)] + kOffset;
              for (int64_t c = 0; c < width; ++c) {
                const float value = static_cast<float>(embedding[id * width + c]);
                const float expected = type == WeightType::kBF16 ? F32FromBF16(BF16FromF32(value)) : value;
                ASSERT_EQ(out.at(static_cast<int64_t>(r), c), expected) << r << "," << c;
              }
            }
          },
          type);
    }
  }
}

TEST(CudaFinishTokens, NormsTheRowAndAdvancesItsCounters) {
  for (const int64_t width : {1, 3, 64, 129, 2051}) {
    const OwnedWeight norm(Shape{width}, DType::kBF16, Numbers(4));
    const OwnedMatrix x(3, width, Numbers(5));
    ForEachPlacement([&](DeviceContext& context, Placement placement) {
      const Rows rows(context, {0, 4, 2}, width, placement);
      const PlacedMatrix from(context, x, placement);
      cuda::FinishTokens(context, *from, *norm, kEps, **rows.table);
      const std::vector<TokenRow> after = rows.table->Read();
      Comparison comparison;
      for (size_t r = 0; r < 3; ++r) {
        const TokenRow& before = rows.host_rows[r];
        TokenRow expected = before;
        ++expected.drawn;
        ++expected.position;
        EXPECT_EQ(std::memcmp(&after[r], &expected, sizeof(TokenRow)), 0) << r;

        double squares = 0;
        for (int64_t c = 0; c < width; ++c) {
          const double value = x.at(static_cast<int64_t>(r), c);
          squares += value * value;
        }
        const double factor = 1 / std::sqrt(squares / static_cast<double>(width) + kEps);
        std::vector<float> states = rows.ReadStates(r);
        const int64_t first = expected.drawn * width;
        for (int64_t c = 0; c < width; ++c) {
          const double value = x.at(static_cast<int64_t>(r), c) * factor * norm[c];
          comparison.Add(states[static_cast<size_t>(first + c)], value,
                         test::Gamma(width / 2 + 8) * std::abs(value) + 0x1p-126, static_cast<int64_t>(r), c);
          states[static_cast<size_t>(first + c)] = rows.host_states[r][static_cast<size_t>(first + c)];
        }
        EXPECT_TRUE(states == rows.host_states[r]) << "row " << r << " was written elsewhere";
      }
      EXPECT_TRUE(comparison.Verdict());
    });
  }
}

// What is moved has the same bytes; of the norm each is within its bound.
TEST(CudaTokenRows, AgreeWithTheCpu) {
  constexpr int64_t kWidth = 131;
  const OwnedWeight norm(Shape{kWidth}, DType::kBF16, Numbers(4)),
      embedding(Shape{9, kWidth}, DType::kBF16, Numbers(3));
  const OwnedMatrix x(3, kWidth, Numbers(5));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    Rows rows(context, {0, 4, 2}, kWidth, placement);
    OwnedMatrix gathered(3, kWidth), embedded(3, kWidth);
    const OwnedMatrix gathered_there(3, kWidth), embedded_there(3, kWidth);
    const PlacedMatrix from(context, x, placement), states(context, gathered, placement),
        codes(context, embedded, placement);
    cuda::GatherHiddenStates(context, **rows.table, *states);
    cuda::EmbedTokens(context, *embedding, 1, **rows.table, *codes);
    cuda::FinishTokens(context, *from, *norm, kEps, **rows.table);
    ASSERT_TRUE(states.CopyTo(gathered) && codes.CopyTo(embedded));

    test::TestContext cpu(1);
    std::vector<TokenRow> there = rows.host_rows;
    for (size_t r = 0; r < 3; ++r) {
      there[r].hidden_states = rows.host_states[r].data();
      there[r].tokens = rows.host_tokens[r].data();
    }
    const TokenTable table{there.data(), 3, 50};
    cpu::GatherHiddenStates(table, *gathered_there);
    cpu::EmbedTokens(cpu, *embedding, 1, table, *embedded_there);
    cpu::FinishTokens(cpu, *x, *norm, kEps, table);
    EXPECT_TRUE(gathered == gathered_there);
    EXPECT_TRUE(embedded == embedded_there);
    const std::vector<TokenRow> here = rows.table->Read();
    Comparison comparison;
    for (size_t r = 0; r < 3; ++r) {
      EXPECT_EQ(here[r].drawn, there[r].drawn);
      EXPECT_EQ(here[r].position, there[r].position);
      const std::vector<float> after = rows.ReadStates(r);
      for (size_t i = 0; i < after.size(); ++i) {
        const float expected = rows.host_states[r][i];
        comparison.Add(after[i], expected, 2.1 * test::Gamma(kWidth / 2 + 8) * std::abs(expected) + 0x1p-125,
                       static_cast<int64_t>(r), static_cast<int64_t>(i));
      }
    }
    EXPECT_TRUE(comparison.Verdict());
  });
}

TEST(CudaFinishTokens, RowsHaveTheSameBytesAlone) {
  const int64_t width = 130;
  const OwnedWeight norm(Shape{width}, DType::kF32, Numbers(4));
  const OwnedMatrix x(3, width, Numbers(5));
  ForEachSchedule([&](DeviceContext& context) {
    const Rows together(context, {1, 3, 2}, width, Placement::kAligned),
        alone(context, {1, 3, 2}, width, Placement::kOdd);
    const test::DeviceMatrix from(context, x);
    cuda::FinishTokens(context, *from, *norm, kEps, **together.table);
    for (int64_t r = 0; r < 3; ++r) {
      cuda::FinishTokens(context, (*from).Rows(r, 1), *norm, kEps, (**alone.table).Row(r));
    }
    for (size_t r = 0; r < 3; ++r) {
      const std::vector<float> a = together.ReadStates(r), b = alone.ReadStates(r);
      const size_t first = static_cast<size_t>((together.host_rows[r].drawn + 1) * width);
      EXPECT_EQ(std::memcmp(&a[first], &b[first], static_cast<size_t>(width) * 4), 0) << r;
    }
  });
}

TEST(CudaFinishTokens, KeepsNaNInItsRow) {
  const int64_t width = 70;
  const OwnedWeight norm(Shape{width}, DType::kF32, Numbers(4));
  const OwnedMatrix x(2, width, Numbers(5));
  x.at(1, 69) = std::numeric_limits<float>::quiet_NaN();
  ForEachSchedule([&](DeviceContext& context) {
    const Rows rows(context, {0, 0}, width, Placement::kAligned);
    const test::DeviceMatrix from(context, x);
    cuda::FinishTokens(context, *from, *norm, kEps, **rows.table);
    for (size_t r = 0; r < 2; ++r) {
      const std::vector<float> states = rows.ReadStates(r);
      for (int64_t c = 0; c < width; ++c) {
        EXPECT_EQ(std::isnan(states[static_cast<size_t>(width + c)]), r == 1) << r << "," << c;
      }
    }
  });
}

// The loop on the device: a token follows the other, each where the counters then stand.
TEST(CudaTokenRows, GoOnWithoutTheHost) {
  const int64_t width = 12;
  const OwnedWeight norm(Shape{width}, DType::kF32, Numbers(4)), embedding(Shape{9, width}, DType::kF32, Numbers(3));
  ForEachSchedule(
      [&](DeviceContext& context) {
        const Rows rows(context, {0}, width, Placement::kAligned);
        std::vector<std::unique_ptr<test::DeviceMatrix>> outs;
        for (int64_t i = 0; i < Rows::kTokens; ++i) {
          outs.push_back(std::make_unique<test::DeviceMatrix>(context, OwnedMatrix(1, width)));
          cuda::EmbedTokens(context, *embedding, 0, **rows.table, **outs.back());
          cuda::FinishTokens(context, **outs.back(), *norm, kEps, **rows.table);
        }
        for (int64_t i = 0; i < Rows::kTokens; ++i) {
          OwnedMatrix out(1, width);
          outs[static_cast<size_t>(i)]->CopyTo(out);
          const int64_t id = rows.host_tokens[0][static_cast<size_t>(i)];
          for (int64_t c = 0; c < width; ++c) EXPECT_EQ(out.at(0, c), embedding[id * width + c]) << i;
        }
        EXPECT_EQ(rows.table->Read()[0].drawn, Rows::kTokens);
      },
      WeightType::kF32);
}

}  // namespace
}  // namespace blip3o
