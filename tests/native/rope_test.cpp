#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::TestContext;

constexpr float kUnwritten = 7.0f;

struct Job {
  Job(AttentionShape attention, int64_t rows, int64_t position, int64_t capacity, DType dtype)
      : q_norm(Shape{attention.head_dim}, dtype, Numbers(1)),
        k_norm(Shape{attention.head_dim}, dtype, Numbers(2)),
        q(rows, attention.heads * attention.head_dim, Numbers(3)),
        k(rows, attention.kv_heads * attention.head_dim, Numbers(4)),
        v(rows, attention.kv_heads * attention.head_dim, Numbers(5)),
        keys(static_cast<size_t>(attention.kv_heads * capacity * attention.head_dim), kUnwritten),
        values(keys) {
    parameters = {attention, *q_norm, *k_norm, 1e-6, 1e6};
    slot = {keys.data(), values.data(), capacity, position};
  }

  OwnedWeight q_norm, k_norm;
  OwnedMatrix q, k, v;
  std::vector<float> keys, values;
  RotaryParameters parameters;
  KvSlot slot;
};

std::vector<double> RotatedHead(const float* x, const OwnedWeight& weight, int64_t head_dim, int64_t position) {
  double squares = 0;
  for (int64_t i = 0; i < head_dim; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double factor = 1 / std::sqrt(squares / static_cast<double>(head_dim) + 1e-6);
  std::vector<double> out(static_cast<size_t>(head_dim));
  const int64_t half = head_dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head_dim);
    const double angle = static_cast<double>(position) * std::pow(1e6, exponent);
    const double low = x[i] * factor * weight[i], high = x[half + i] * factor * weight[half + i];
    out[i] = low * std::cos(angle) - high * std::sin(angle);
    out[half + i] = high * std::cos(angle) + low * std::sin(angle);
  }
  return out;
}

// Values after the norm stay below sqrt(head_dim); a dozen roundings each.
void ExpectHead(const float* actual, const std::vector<double>& expected) {
  const double tolerance = 16 * 0x1p-24 * std::sqrt(static_cast<double>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
}

void CheckRotaryAppend(AttentionShape shape, int64_t rows, int64_t position, DType dtype) {
  const int64_t capacity = position + rows + 2, d = shape.head_dim;
  Job job(shape, rows, position, capacity, dtype);
  const OwnedMatrix q(job.q);
  TestContext context(2);
  cpu::RotaryAppend(context, job.parameters, *job.q, *job.k, *job.v, job.slot);
  ASSERT_TRUE(job.q.PaddingUntouched());
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t head = 0; head < shape.heads; ++head) {
      ExpectHead((*job.q).row(t) + head * d, RotatedHead((*q).row(t) + head * d, job.q_norm, d, position + t));
    }
  }
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    for (int64_t p = 0; p < capacity; ++p) {
      const float* key = job.keys.data() + (head * capacity + p) * d;
      const float* value = job.values.data() + (head * capacity + p) * d;
      if (p < position || p >= position + rows) {
        for (int64_t i = 0; i < d; ++i) ASSERT_TRUE(key[i] == kUnwritten && value[i] == kUnwritten);
        continue;
      }
      ExpectHead(key, RotatedHead((*job.k).row(p - position) + head * d, job.k_norm, d, p));
      ASSERT_EQ(std::memcmp(value, (*job.v).row(p - position) + head * d, static_cast<size_t>(d) * sizeof(float)), 0);
    }
  }
}

TEST(RotaryAppend, EqualsItsFormula) {
  ForEachTarget([] {
    for (DType dtype : test::kWeightTypes) {
      CheckRotaryAppend({1, 1, 2}, 1, 0, dtype);
      CheckRotaryAppend({6, 2, 24}, 13, 5, dtype);
      CheckRotaryAppend({2, 1, 112}, 3, 4001, dtype);
      CheckRotaryAppend({16, 8, 128}, 207, 0, dtype);
    }
    CheckRotaryAppend({4, 2, 26}, 1, 1009, DType::kF32);
    CheckRotaryAppend({2, 1, 1034}, 2, 77, DType::kBF16);  // longer than a table of angles
  });
}

TEST(RotaryAppend, KeepsItsBytesOnAnyNumberOfThreadsAndAnySplit) {
  ForEachTarget([] {
    const AttentionShape shape = {6, 2, 64};
    Job whole(shape, 61, 3, 64, DType::kBF16);
    TestContext one(1);
    cpu::RotaryAppend(one, whole.parameters, *whole.q, *whole.k, *whole.v, whole.slot);
    for (int threads = 2; threads <= 4; ++threads) {
      Job job(shape, 61, 3, 64, DType::kBF16);
      TestContext context(threads);
      cpu::RotaryAppend(context, job.parameters, *job.q, *job.k, *job.v, job.slot);
      EXPECT_TRUE(job.q == whole.q && job.keys == whole.keys && job.values == whole.values) << threads << " threads";
    }
    Job split(shape, 61, 3, 64, DType::kBF16);
    for (int64_t t = 0; t < 61; ++t) {
      KvSlot slot = split.slot;
      slot.position += t;
      cpu::RotaryAppend(one, split.parameters, (*split.q).Rows(t, 1), (*split.k).Rows(t, 1), (*split.v).Rows(t, 1),
                        slot);
    }
    EXPECT_TRUE(split.q == whole.q && split.keys == whole.keys && split.values == whole.values);
  });
}

}  // namespace
}  // namespace blip3o
