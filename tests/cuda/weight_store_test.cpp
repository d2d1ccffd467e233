#include "ops/cuda/weight_store.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "ops/cuda/launch.h"
#include "ops/cuda/weight_pack.h"
#include "support/kernel_test.h"
#include "support/lane_test.h"

namespace blip3o::test {

using cuda::DeviceWeight;
using cuda::RoundUp;
using cuda::Use;
using cuda::WeightStore;
using cuda::WeightType;
using cuda::lanes::LaneQueue;

constexpr WeightType kProducts[] = {WeightType::kF32, WeightType::kBF16};

// The packed values of a weight, padding included.
std::vector<float> Read(LaneQueue& queue, const DeviceWeight& weight) {
  const int64_t count = weight.rows * weight.stride;
  std::vector<float> values(static_cast<size_t>(count));
  if (weight.type == WeightType::kF32) {
    queue.CopyOut(weight.data, count * 4, values.data());
    return values;
  }
  std::vector<uint16_t> bits(values.size());
  queue.CopyOut(weight.data, count * 2, bits.data());
  for (size_t i = 0; i < bits.size(); ++i) values[i] = F32FromBF16(bits[i]);
  return values;
}

std::vector<float> ReadVector(LaneQueue& queue, const float* data, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  queue.CopyOut(data, count * 4, values.data());
  return values;
}

float Rounded(WeightType type, double value) {
  const float f = static_cast<float>(value);
  return type == WeightType::kBF16 ? F32FromBF16(BF16FromF32(f)) : f;
}

// Every value of `weight` is what `expected(row, k)` says, rounded as the type does.
template <typename Expected>
void ExpectPacked(LaneQueue& queue, const DeviceWeight& weight, const Expected& expected) {
  const std::vector<float> values = Read(queue, weight);
  ASSERT_TRUE(queue.Finish().ok());
  for (int64_t row = 0; row < weight.rows; ++row) {
    for (int64_t k = 0; k < weight.stride; ++k) {
      const double want = k < weight.cols ? expected(row, k) : 0.0;
      ASSERT_EQ(values[static_cast<size_t>(row * weight.stride + k)], Rounded(weight.type, want)) << row << "," << k;
    }
  }
}

TEST(WeightStore, PacksRowsOfEveryType) {
  for (WeightType product : kProducts) {
    for (DType dtype : kWeightTypes) {
      for (const auto& [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {3, 63}, {5, 64}, {7, 1100}}) {
        LaneQueue queue;
        WeightStore store({product});
        const OwnedWeight host({n, k, 1, 1}, dtype, Numbers(1));
        const DeviceWeight weight = store.Rows(queue, *host);
        EXPECT_EQ(weight.type, product);
        EXPECT_EQ(weight.rows, n);
        EXPECT_EQ(weight.cols, k);
        EXPECT_EQ(weight.stride, RoundUp(k, 64));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.data) % 256, 0u);
        ExpectPacked(queue, weight, [&](int64_t row, int64_t col) { return host[row * k + col]; });
      }
    }
  }
}

// Every E4M3 number is met by itself, and by what lies half-way to its neighbours on the side of the even one.
TEST(WeightStore, E4M3RoundsToNearestEven) {
  const auto value_of = [](int code) {
    const int exponent = code >> 3 & 15, mantissa = code & 7;
    return exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  };
  for (int code = 0; code < 0x7E; ++code) {
    const double value = value_of(code), middle = (value + value_of(code + 1)) / 2;
    const int even = code % 2 == 0 ? code : code + 1;
    EXPECT_EQ(cuda::E4M3FromF32(static_cast<float>(value)), code);
    EXPECT_EQ(cuda::E4M3FromF32(static_cast<float>(-value)), code | 0x80);
    EXPECT_EQ(cuda::E4M3FromF32(static_cast<float>(middle)), even);
    EXPECT_EQ(cuda::E4M3FromF32(std::nextafter(static_cast<float>(middle), 0.0f)), code);
    EXPECT_EQ(cuda::E4M3FromF32(std::nextafter(static_cast<float>(middle), 1e9f)), code + 1);
  }
  EXPECT_EQ(cuda::E4M3FromF32(1e9f), 0x7E);
  EXPECT_EQ(cuda::E4M3FromF32(-std::numeric_limits<float>::infinity()), 0xFE);
  EXPECT_EQ(cuda::E4M3FromF32(std::nanf("")), 0x7F);
}

TEST(WeightStore, StepRowsIn8BitsHaveAScaleForEachRow) {
  LaneQueue queue;
  WeightStore store({.product = WeightType::kBF16, .steps_in_8_bits = true});
  const OwnedWeight host({5, 70}, DType::kBF16, Numbers(11), 3.0f), other({2, 3}, DType::kBF16, Numbers(12));
  ASSERT_TRUE(store.Preload(queue, {{*host, Use::kStepRows}, {*other, Use::kRows}}).ok());
  EXPECT_EQ(store.Rows(queue, *other).type, WeightType::kBF16);
  const View last = {static_cast<const char*>((*host).data) + 3 * 70 * 2, DType::kBF16, {2, 70}};
  const DeviceWeight whole = store.Rows(queue, *host), weight = store.Rows(queue, last);
  ASSERT_EQ(weight.type, WeightType::kE4M3);
  EXPECT_EQ(weight.stride, 128);
  EXPECT_EQ(weight.scales, whole.scales + 3);
  std::vector<uint8_t> codes(2 * 128);
  queue.CopyOut(weight.data, 2 * 128, codes.data());
  const std::vector<float> scales = ReadVector(queue, weight.scales, 2);
  ASSERT_TRUE(queue.Finish().ok());
  for (int64_t r = 0; r < 2; ++r) {
    double largest = 0;
    for (int64_t k = 0; k < 70; ++k) largest = std::max(largest, std::abs(host[(3 + r) * 70 + k]));
    const float scale = static_cast<float>(largest) / 448.0f;
    EXPECT_EQ(scales[static_cast<size_t>(r)], scale);
    for (int64_t k = 0; k < 128; ++k) {
      const float value = k < 70 ? static_cast<float>(host[(3 + r) * 70 + k]) / scale : 0.0f;
      EXPECT_EQ(codes[static_cast<size_t>(r * 128 + k)], cuda::E4M3FromF32(value)) << r << "," << k;
    }
  }
}

TEST(WeightStore, PacksTapsOfConvolutions) {
  for (WeightType product : kProducts) {
    for (const int64_t channels : {1, 32, 35}) {
      LaneQueue queue;
      WeightStore store({product});
      const OwnedWeight host({3, channels, 3, 3}, DType::kBF16, Numbers(2));
      const DeviceWeight weight = store.Rows(queue, *host, Use::kConv);
      const int64_t padded = RoundUp(channels, 32);
      EXPECT_EQ(weight.rows, 3);
      EXPECT_EQ(weight.cols, 9 * padded);
      ExpectPacked(queue, weight, [&](int64_t n, int64_t k) {
        const int64_t tap = k / padded, c = k % padded;
        return c < channels ? host[(n * channels + c) * 9 + tap] : 0.0;
      });
    }
  }
}

// A picture of one channel, made twice as large and convolved, is the sum over the packed taps of the small one.
TEST(WeightStore, UpsamplingTapsAreThoseOfTheDoubledPicture) {
  LaneQueue queue;
  WeightStore store({WeightType::kF32});
  const int64_t outputs = 2, channels = 3;
  const OwnedWeight host({outputs, channels, 3, 3}, DType::kF16, Numbers(3));
  const DeviceWeight weight = store.Rows(queue, *host, Use::kUpsample);
  ASSERT_EQ(weight.rows, 4 * outputs);
  ASSERT_EQ(weight.cols, 4 * 32);
  ExpectPacked(queue, weight, [&](int64_t row, int64_t k) {
    const int64_t phase = row / outputs, n = row % outputs, tap = k / 32, c = k % 32;
    if (c >= channels) return 0.0;
    float sum = 0.0f;
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 3; ++j) {
        // Input pixel that row `phase` of the doubled picture around input pixel 0 reads, plus one where it starts at
        // −1.
        const auto pixel = [](int64_t at, int64_t parity) { return (at + 2) / 2 - 1 + (parity == 0 ? 1 : 0); };
        const int64_t y = pixel(phase / 2 + i - 1, phase / 2), x = pixel(phase % 2 + j - 1, phase % 2);
        if (y == tap / 2 && x == tap % 2) sum += static_cast<float>(host[(n * channels + c) * 9 + 3 * i + j]);
      }
    }
    return static_cast<double>(sum);
  });
}

TEST(WeightStore, VectorsAndDepthwiseTapsAreF32) {
  for (DType dtype : kWeightTypes) {
    LaneQueue queue;
    WeightStore store({WeightType::kBF16});
    const OwnedWeight vector({1300}, dtype, Numbers(4)), depthwise({5, 1, 3, 3}, dtype, Numbers(5));
    const std::vector<float> values = ReadVector(queue, store.Vector(queue, *vector), 1300);
    const std::vector<float> taps = ReadVector(queue, store.Depthwise(queue, *depthwise), 45);
    ASSERT_TRUE(queue.Finish().ok());
    for (int64_t i = 0; i < 1300; ++i) EXPECT_EQ(values[static_cast<size_t>(i)], vector[i]);
    for (int64_t c = 0; c < 5; ++c) {
      for (int64_t tap = 0; tap < 9; ++tap) EXPECT_EQ(taps[static_cast<size_t>(tap * 5 + c)], depthwise[c * 9 + tap]);
    }
  }
}

TEST(WeightStore, AnAbsentWeightIsNull) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  EXPECT_EQ(store.Vector(queue, View()), nullptr);
  EXPECT_EQ(store.Rows(queue, View()).data, nullptr);
  EXPECT_TRUE(queue.Finish().ok());
}

TEST(WeightStore, PreloadedWeightsAreFoundAndPartsLieInTheWhole) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  const OwnedWeight table({10, 70}, DType::kBF16, Numbers(6)), vectors({6, 5}, DType::kF16, Numbers(7));
  const char* bytes = static_cast<const char*>((*table).data);
  const View head = {bytes + 3 * 70 * 2, DType::kBF16, {4, 70}};
  const View row = {static_cast<const char*>((*vectors).data) + 2 * 5 * 2, DType::kF16, {5}};
  const std::vector<WeightStore::Wanted> wanted = {
      {head, Use::kRows}, {*table, Use::kTable}, {row, Use::kVector}, {*vectors, Use::kVector}, {View(), Use::kVector}};
  EXPECT_EQ(store.SizeOf(wanted), RoundUp(10 * 128 * 2, 256) + RoundUp(30 * 4, 256));
  ASSERT_TRUE(store.Preload(queue, wanted).ok());

  const DeviceWeight whole = store.Rows(queue, *table, Use::kTable), part = store.Rows(queue, head);
  EXPECT_EQ(part.data, static_cast<const char*>(whole.data) + 3 * 128 * 2);
  EXPECT_EQ(part.rows, 4);
  EXPECT_EQ(store.Vector(queue, row), store.Vector(queue, *vectors) + 10);
  ExpectPacked(queue, part, [&](int64_t r, int64_t k) { return table[(3 + r) * 70 + k]; });
}

TEST(WeightStore, AWeightIsBroughtInOnceAndTwoUsesAreTwoWeights) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  const OwnedWeight host({4, 32, 3, 3}, DType::kF32, Numbers(8));
  const DeviceWeight rows = store.Rows(queue, *host, Use::kConv);
  EXPECT_EQ(store.Rows(queue, *host, Use::kConv).data, rows.data);
  EXPECT_NE(store.Rows(queue, *host, Use::kUpsample).data, rows.data);
  EXPECT_TRUE(queue.Finish().ok());
}

// The first rows of a weight that was at hand only in part: what points to the part stays good.
TEST(WeightStore, AWholeBehindItsPart) {
  LaneQueue queue;
  WeightStore store({WeightType::kF32});
  const OwnedWeight host({6, 9}, DType::kF32, Numbers(9));
  const View first = {(*host).data, DType::kF32, {2, 9}};
  const DeviceWeight part = store.Rows(queue, first), whole = store.Rows(queue, *host);
  ExpectPacked(queue, part, [&](int64_t r, int64_t k) { return host[r * 9 + k]; });
  ExpectPacked(queue, whole, [&](int64_t r, int64_t k) { return host[r * 9 + k]; });
  EXPECT_EQ(store.Rows(queue, first).data, whole.data);
}

TEST(WeightStore, WhatWasComputedOnTheDeviceStaysWhereItIs) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  Buffer memory = std::move(queue.Allocate(3 * 5 * 4).value());
  const DeviceWeight weight = store.Rows(queue, {memory.data(), DType::kF32, {3, 5}});
  EXPECT_EQ(weight.data, memory.data());
  EXPECT_EQ(weight.type, WeightType::kF32);
  EXPECT_EQ(weight.stride, 5);
  EXPECT_TRUE(queue.Finish().ok());

  EXPECT_EQ(store.Rows(queue, {memory.data(), DType::kBF16, {3, 5}}).data, nullptr);
  const Status status = queue.Finish();
  EXPECT_EQ(status.code(), StatusCode::kInternalError);
  EXPECT_NE(status.message().find("found BF16 [3, 5]"), std::string::npos) << status.message();
}

// What came later goes again: other weights may lie at its addresses then, and what was there before stays.
TEST(WeightStore, LoadedWeightsAreFoundUntilTheyAreRemoved) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  const OwnedWeight first({4, 64}, DType::kF32, Numbers(11)), later({6, 64}, DType::kF32, Numbers(12));
  ASSERT_TRUE(store.Preload(queue, {{*first, Use::kRows}}).ok());
  const int64_t preloaded = store.bytes();
  const std::vector<WeightStore::Wanted> wanted = {{*later, Use::kRows}};
  {
    Result<Buffer> memory = store.Load(queue, wanted);
    ASSERT_TRUE(memory.ok()) << memory.status().message();
    EXPECT_EQ(memory->size_bytes(), store.SizeOf(wanted));
    EXPECT_EQ(store.bytes(), preloaded);
    const DeviceWeight found = store.Rows(queue, *later);
    EXPECT_EQ(found.data, memory->data());
    ExpectPacked(queue, found, [&](int64_t r, int64_t k) { return later[r * 64 + k]; });
    store.Remove(wanted);
  }
  auto* values = static_cast<char*>(const_cast<void*>((*later).data));
  for (int64_t i = 0; i < 6 * 64; ++i) {
    const float value = static_cast<float>(i % 7);
    std::memcpy(values + 4 * i, &value, sizeof(value));
  }
  ExpectPacked(queue, store.Rows(queue, *later), [&](int64_t r, int64_t k) { return (r * 64 + k) % 7; });
  ExpectPacked(queue, store.Rows(queue, *first), [&](int64_t r, int64_t k) { return first[r * 64 + k]; });
  // Brought in where it was used: that is at its address too.
  store.Remove(wanted);
  EXPECT_EQ(store.bytes(), preloaded);
}

TEST(WeightStore, NothingIsLoadedBehindAFailure) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  const OwnedWeight host({3, 64}, DType::kF32, Numbers(13));
  queue.Fail(OutOfMemory("none left"));
  EXPECT_EQ(store.Load(queue, {{*host, Use::kRows}}).status().code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(store.bytes(), 0);
  ExpectPacked(queue, store.Rows(queue, *host), [&](int64_t r, int64_t k) { return host[r * 64 + k]; });
}

// The host runs out of memory in the second copy, with the first one under way.
class ThrowingQueue final : public cuda::Queue {
 public:
  bool gave_back_in_use = false, gave_back = false;

  std::string name() const override { return "throwing"; }
  const cuda::DeviceLimits& limits() const override { return limits_; }
  Result<Buffer> Allocate(int64_t size_bytes) override {
    return Buffer::Adopt(this, size_bytes, [this](void*) {
      gave_back = true;
      gave_back_in_use = under_way_;
    });
  }
  bool Owns(const void*) const override { return false; }
  void CopyIn(const void*, int64_t, void*) override {
    if (under_way_) throw std::bad_alloc();
    under_way_ = true;
  }
  void CopyOut(const void*, int64_t, void*) override {}
  void Fill(void*, uint8_t, int64_t) override {}
  void Launch(const cuda::LaunchRequest&) override {}
  void Repeat(const RepeatKey&, const std::function<void()>&) override {}
  bool ok() const override { return true; }
  void Fail(Status) override {}
  Status Finish() override {
    under_way_ = false;
    return {};
  }

 private:
  cuda::DeviceLimits limits_;
  bool under_way_ = false;
};

TEST(WeightStore, MemoryThatCopiesAreOnTheirWayToIsNotGivenBack) {
  ThrowingQueue queue;
  WeightStore store({WeightType::kBF16});
  const OwnedWeight first({3, 64}, DType::kF32, Numbers(14)), second({3, 64}, DType::kF32, Numbers(15));
  EXPECT_THROW((void)store.Load(queue, {{*first, Use::kRows}, {*second, Use::kRows}}), std::bad_alloc);
  EXPECT_TRUE(queue.gave_back);
  EXPECT_FALSE(queue.gave_back_in_use);
}

// What a failed queue could not copy is not taken for a weight afterwards.
TEST(WeightStore, NothingIsKeptBehindAFailure) {
  LaneQueue queue;
  WeightStore store({WeightType::kBF16});
  const OwnedWeight host({3, 64}, DType::kF32, Numbers(10));
  queue.Fail(OutOfMemory("none left"));
  EXPECT_EQ(store.Rows(queue, *host).data, nullptr);
  EXPECT_EQ(queue.Finish().code(), StatusCode::kOutOfMemory);
  ExpectPacked(queue, store.Rows(queue, *host), [&](int64_t r, int64_t k) { return host[r * 64 + k]; });
}

}  // namespace blip3o::test
