// Products by the library, with a library of ours in its place that multiplies as its documentation says: what is asked
// of it, in which layout, and what is left to kernels of ours.
#include "ops/cuda/product_library.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "ops/cuda/weight_pack.h"
#include "support/activation.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/tolerance.h"

namespace blip3o::test {

namespace lt = cuda::lt;
using cuda::ProductLibrary;
using cuda::Products;
using cuda::RoundUp;
using cuda::Use;
using cuda::WeightStore;
using cuda::WeightType;
using cuda::lanes::LaneQueue;

double E4M3Value(uint8_t code) {
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

// The library's place. A handle points to one of them.
struct FakeLibrary {
  LaneQueue* queue = nullptr;
  bool has_algorithms = true;
  bool takes_epilogues = true;
  lt::Outcome outcome = lt::kSuccess;  // of a product
  int heuristics = 0;
  int products = 0;
  int32_t multiprocessors = 0;  // that the last product was told
  std::vector<uint32_t> epilogues;

  lt::Functions Functions();
};

FakeLibrary* g_library = nullptr;
FakeLibrary& Of(lt::Handle handle) { return *reinterpret_cast<FakeLibrary*>(handle); }

// What was set in a description: fields start at 1.
template <typename T>
T Get(const lt::Description& description, int field) {
  T value;
  std::memcpy(&value, &description.data[field - 1], sizeof(value));
  return value;
}

struct MatrixOf {
  explicit MatrixOf(const lt::Layout& layout)
      : type(static_cast<lt::DataType>(layout.data[0])),
        rows(static_cast<int64_t>(layout.data[1])),
        cols(static_cast<int64_t>(layout.data[2])),
        stride(static_cast<int64_t>(layout.data[3])) {}
  // Column-major.
  double At(const void* data, int64_t row, int64_t col) const {
    const int64_t at = col * stride + row;
    if (type == lt::kE4M3) return E4M3Value(static_cast<const uint8_t*>(data)[at]);
    return LoadAsF32(data, type == lt::kF32 ? DType::kF32 : DType::kBF16, at);
  }
  lt::DataType type;
  int64_t rows, cols, stride;
};

uint64_t Mark(const lt::Layout& a) { return a.data[1] << 32 | a.data[2]; }

lt::Outcome Heuristic(lt::Handle handle, lt::Description*, lt::Layout* a, lt::Layout*, lt::Layout*, lt::Layout* d,
                      lt::Preference* preference, int wanted, lt::Choice* choices, int* found) {
  FakeLibrary& library = Of(handle);
  ++library.heuristics;
  EXPECT_EQ(preference->data[lt::kMostWorkspace - 1], 0u);
  EXPECT_EQ(preference->data[lt::kReductions - 1], 0u);
  EXPECT_EQ(MatrixOf(*d).cols, ProductLibrary::kRows);
  EXPECT_GE(wanted, 3);
  *found = library.has_algorithms ? 3 : 2;
  for (int i = 0; i < *found; ++i) {
    choices[i].algorithm.data[0] = Mark(*a);
    choices[i].algorithm.data[1] = i == 1 ? 4 : 1;  // split-K
    choices[i].workspace_bytes = i == 0 ? 1024 : 0;
  }
  return lt::kSuccess;
}

lt::Outcome Check(lt::Handle handle, lt::Description* description, lt::Layout* a, lt::Layout*, lt::Layout*, lt::Layout*,
                  const lt::Algorithm* algorithm, lt::Choice* choice) {
  EXPECT_EQ(algorithm->data[0], Mark(*a));
  choice->workspace_bytes = 0;
  const bool plain = Get<uint32_t>(*description, lt::kEpilogue) == lt::kNoEpilogue;
  return plain || Of(handle).takes_epilogues ? lt::kSuccess : lt::kNotSupported;
}

lt::Outcome Multiply(lt::Handle handle, lt::Description* description, const void* alpha, const void* a,
                     lt::Layout* a_layout, const void* b, lt::Layout* b_layout, const void* beta, const void* c,
                     lt::Layout* c_layout, void* d, lt::Layout* d_layout, const lt::Algorithm* algorithm,
                     void* workspace, size_t workspace_bytes, void* stream) {
  FakeLibrary& library = Of(handle);
  ++library.products;
  const MatrixOf weights(*a_layout), x(*b_layout), added(*c_layout), out(*d_layout);
  EXPECT_EQ(Get<int32_t>(*description, lt::kTransposeA), lt::kTransposed);
  EXPECT_EQ(algorithm->data[0], Mark(*a_layout));
  EXPECT_EQ(algorithm->data[1], 1u);
  EXPECT_EQ(workspace, nullptr);
  EXPECT_EQ(workspace_bytes, 0u);
  EXPECT_EQ(stream, &library);
  EXPECT_EQ(weights.rows, x.rows);
  EXPECT_EQ(out.rows, weights.cols);
  EXPECT_EQ(out.cols, x.cols);
  library.multiprocessors = Get<int32_t>(*description, lt::kMultiprocessors);
  const uint32_t epilogue = Get<uint32_t>(*description, lt::kEpilogue);
  library.epilogues.push_back(epilogue);
  const bool scaled = weights.type == lt::kE4M3;
  const float* bias = (epilogue & lt::kBias) != 0 ? Get<const float*>(*description, lt::kBiasPointer) : nullptr;
  float one, kept;
  std::memcpy(&one, alpha, 4);
  std::memcpy(&kept, beta, 4);
  for (int64_t t = 0; t < out.cols; ++t) {
    for (int64_t n = 0; n < out.rows; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < x.rows; ++k) sum += weights.At(a, k, n) * x.At(b, k, t);
      if (scaled) {
        EXPECT_EQ(Get<int32_t>(*description, lt::kScaleModeA), lt::kScalePerRow);
        EXPECT_EQ(Get<int32_t>(*description, lt::kScaleModeB), lt::kScalePerRow);
        sum *= static_cast<double>(Get<const float*>(*description, lt::kScalePointerA)[n]) *
               Get<const float*>(*description, lt::kScalePointerB)[t];
      }
      double value = one * sum + (kept != 0 ? kept * added.At(c, n, t) : 0);
      if (bias != nullptr) value += bias[n];
      if ((epilogue & lt::kRelu) != 0) value = Activated(Activation::kRelu, value);
      if ((epilogue & lt::kGelu) != 0) value = Activated(Activation::kGeluTanh, value);
      static_cast<float*>(d)[t * out.stride + n] = static_cast<float>(value);
    }
    library.queue->MarkAsProduced(static_cast<float*>(d) + t * out.stride, out.rows * 4);
  }
  return library.outcome;
}

lt::Functions FakeLibrary::Functions() {
  lt::Functions f;
  f.cublasLtGetVersion = [] { return size_t{130100}; };
  f.cublasLtCreate = [](lt::Handle* handle) {
    *handle = reinterpret_cast<lt::Handle>(g_library);
    return lt::kSuccess;
  };
  f.cublasLtDestroy = [](lt::Handle) { return lt::kSuccess; };
  f.cublasLtMatrixLayoutInit_internal = [](lt::Layout* layout, size_t size, lt::DataType type, uint64_t rows,
                                           uint64_t cols, int64_t stride) {
    EXPECT_EQ(size, sizeof(lt::Layout));
    *layout = {{static_cast<uint64_t>(type), rows, cols, static_cast<uint64_t>(stride)}};
    return lt::kSuccess;
  };
  f.cublasLtMatmulDescInit_internal = [](lt::Description* description, size_t size, lt::ComputeType compute,
                                         lt::DataType scale) {
    EXPECT_EQ(size, sizeof(lt::Description));
    EXPECT_EQ(compute, lt::kComputeF32);
    EXPECT_EQ(scale, lt::kF32);
    *description = {};
    return lt::kSuccess;
  };
  f.cublasLtMatmulDescSetAttribute = [](lt::Description* description, lt::DescriptionField field, const void* value,
                                        size_t size) {
    std::memcpy(&description->data[field - 1], value, size);
    return lt::kSuccess;
  };
  f.cublasLtMatmulPreferenceInit_internal = [](lt::Preference* preference, size_t) {
    *preference = {};
    for (uint64_t& value : preference->data) value = ~uint64_t{0};
    return lt::kSuccess;
  };
  f.cublasLtMatmulPreferenceSetAttribute = [](lt::Preference* preference, lt::PreferenceField field, const void* value,
                                              size_t size) {
    preference->data[field - 1] = 0;
    std::memcpy(&preference->data[field - 1], value, size);
    return lt::kSuccess;
  };
  f.cublasLtMatmulAlgoGetHeuristic = Heuristic;
  f.cublasLtMatmulAlgoCheck = Check;
  f.cublasLtMatmulAlgoConfigGetAttribute = [](const lt::Algorithm* algorithm, lt::AlgorithmField field, void* value,
                                              size_t size, size_t* written) {
    const uint64_t found = field == lt::kSplitK ? algorithm->data[1] : 0;
    std::memcpy(value, &found, size);
    *written = size;
    return lt::kSuccess;
  };
  f.cublasLtMatmul = Multiply;
  return f;
}

// A device with the library in place.
struct LibraryContext {
  explicit LibraryContext(DeviceContext& device, int64_t depth) : context(device) {
    fake.queue = &device.queue;
    g_library = &fake;
    cuda::LoadedLibrary loaded;
    loaded.functions = fake.Functions();
    loaded.version = loaded.functions.cublasLtGetVersion();
    library = std::move(ProductLibrary::Create(loaded).value());
    products = cuda::MakeProducts(library, device.queue, [this] { return &fake; });
    Capacity capacity;
    capacity.product_depth = depth;
    device.Reserve(products->ScratchBytes(capacity));
  }

  DeviceContext& context;
  FakeLibrary fake;
  std::shared_ptr<ProductLibrary> library;
  std::unique_ptr<Products> products;
};

struct ProductCase {
  int64_t rows = 5, cols = 20, depth = 70, padding = 4;
  bool bias = false;
  Activation activation = Activation::kNone;
  int64_t gate_rows = 0;
  enum { kNone, kOther, kOut } residual = kNone;
};

// One product through the library, against its definition with x and weight as the store's type rounds them.
void ExpectProduct(const ProductCase& c, LibraryContext& at) {
  const OwnedMatrix x(c.rows, c.depth, Numbers(1)), gate(c.rows, c.cols, Numbers(2)),
      residual(c.rows, c.cols, Numbers(3), 1.0f, c.padding);
  const OwnedWeight weight({c.cols, c.depth}, DType::kBF16, Numbers(4)), bias({c.cols}, DType::kF32, Numbers(5));
  const DeviceMatrix input(at.context, x), gates(at.context, gate), residuals(at.context, residual);
  OwnedMatrix out = c.residual == ProductCase::kOut ? residual : OwnedMatrix(c.rows, c.cols, c.padding);
  const DeviceMatrix target(at.context, out);
  Epilogue epilogue;
  epilogue.activation = c.activation;
  if (c.bias) epilogue.bias = *bias;
  if (c.gate_rows > 0) epilogue.gate = (*gates).Rows(0, c.gate_rows);
  if (c.residual == ProductCase::kOther) epilogue.residual = *residuals;
  if (c.residual == ProductCase::kOut) epilogue.residual = *target;
  ASSERT_TRUE(at.products->Multiply(at.context, *input, *weight, epilogue, *target));
  target.CopyTo(out);
  EXPECT_TRUE(out.PaddingUntouched());

  Comparison comparison;
  for (int64_t t = 0; t < c.rows; ++t) {
    for (int64_t n = 0; n < c.cols; ++n) {
      double sum = 0, magnitude = 0;
      for (int64_t k = 0; k < c.depth; ++k) {
        const double term = F32FromBF16(BF16FromF32(x.at(t, k))) * weight[n * c.depth + k];
        sum += term;
        magnitude += std::abs(term);
      }
      const double y = sum + (c.bias ? bias[n] : 0);
      double want = Activated(c.activation, y), bound = ActivationBound(y, SumBound(4, magnitude + std::abs(y)));
      if (c.gate_rows > 0) {
        const double g = gate.at(c.gate_rows == 1 ? 0 : t, n);
        want *= g;
        bound = bound * std::abs(g) + kUnit * std::abs(want);
      }
      if (c.residual != ProductCase::kNone) {
        want += residual.at(t, n);
        bound += 4 * kUnit * (std::abs(want) + std::abs(residual.at(t, n)));
      }
      comparison.Add(out.at(t, n), want, bound, t, n);
    }
  }
  EXPECT_TRUE(comparison.Verdict());
}

TEST(ProductLibrary, EveryEpilogueWhereverOutLies) {
  ForEachSchedule([](DeviceContext& device) {
    LibraryContext at(device, 70);
    for (const int64_t padding : {4, 3}) {  // rows at 16 bytes or not
      for (const auto residual : {ProductCase::kNone, ProductCase::kOther, ProductCase::kOut}) {
        for (const int64_t gate_rows : {0, 1, 5}) {
          for (const bool bias : {false, true}) {
            for (Activation activation :
                 {Activation::kNone, Activation::kRelu, Activation::kGeluTanh, Activation::kSilu}) {
              SCOPED_TRACE(testing::Message()
                           << padding << residual << gate_rows << bias << static_cast<int>(activation));
              ExpectProduct({.padding = padding,
                             .bias = bias,
                             .activation = activation,
                             .gate_rows = gate_rows,
                             .residual = residual},
                            at);
            }
          }
        }
      }
    }
    // All weights have one shape: one question, and one algorithm.
    EXPECT_EQ(at.fake.heuristics, 1);
  });
}

TEST(ProductLibrary, WhatTheAlgorithmDoesNotTakeIsOurs) {
  ForEachSchedule([](DeviceContext& device) {
    LibraryContext at(device, 70);
    at.fake.takes_epilogues = false;
    ExpectProduct({.bias = true, .activation = Activation::kGeluTanh}, at);
    EXPECT_EQ(at.fake.epilogues, std::vector<uint32_t>{lt::kNoEpilogue});
  });
}

// Rows are cut into pieces where the scratch memory holds fewer results; they get the same bytes.
TEST(ProductLibrary, PiecesOfRowsAreOneProduct) {
  ForEachSchedule([](DeviceContext& device) {
    LibraryContext at(device, 8);
    ExpectProduct({.rows = 20, .cols = 1500, .depth = 8, .gate_rows = 20, .residual = ProductCase::kOut}, at);
    EXPECT_EQ(at.fake.products, 2);
  });
}

TEST(ProductLibrary, ARowAloneHasTheSameBytesAsInCompany) {
  const OwnedMatrix x(9, 70, Numbers(1));
  const OwnedWeight weight({20, 70}, DType::kF16, Numbers(2));
  ForEachSchedule([&](DeviceContext& device) {
    LibraryContext at(device, 70);
    const DeviceMatrix input(device, x);
    OwnedMatrix all(9, 20, 4), one(1, 20, 4);
    const DeviceMatrix all_out(device, all), one_out(device, one);
    ASSERT_TRUE(at.products->Multiply(device, *input, *weight, {}, *all_out));
    ASSERT_TRUE(at.products->Multiply(device, (*input).Rows(6, 1), *weight, {}, *one_out));
    all_out.CopyTo(all);
    one_out.CopyTo(one);
    EXPECT_EQ(std::memcmp((*all).row(6), (*one).row(0), 20 * 4), 0);
    EXPECT_EQ(at.fake.heuristics, 1);
    EXPECT_EQ(at.fake.multiprocessors, device.queue.limits().multiprocessors);
  });
}

TEST(ProductLibrary, ProductsInE4M3HaveAScaleForEachRowAndToken) {
  ForEachSchedule([](DeviceContext& device) {
    LibraryContext at(device, 70);
    WeightStore store({.product = WeightType::kBF16, .steps_in_8_bits = true});
    device.context.weights = &store;
    const OwnedMatrix x(5, 70, Numbers(1));
    const OwnedWeight weight({20, 70}, DType::kBF16, Numbers(2)), bias({20}, DType::kBF16, Numbers(3));
    ASSERT_TRUE(store.Preload(device.queue, {{*weight, Use::kStepRows}}).ok());
    OwnedMatrix out(5, 20, 4);
    const DeviceMatrix input(device, x), target(device, out);
    ASSERT_TRUE(at.products->Multiply(device, *input, *weight, {.bias = *bias}, *target));
    target.CopyTo(out);
    // Bias is a kernel's of ours: the library would want it in another type.
    EXPECT_EQ(at.fake.epilogues, std::vector<uint32_t>{lt::kNoEpilogue});
    Comparison comparison;
    for (int64_t t = 0; t < 5; ++t) {
      for (int64_t n = 0; n < 20; ++n) {
        double sum = 0, error = 0, x_largest = 0, w_largest = 0;
        for (int64_t k = 0; k < 70; ++k) {
          x_largest = std::max(x_largest, std::abs(static_cast<double>(x.at(t, k))));
          w_largest = std::max(w_largest, std::abs(weight[n * 70 + k]));
        }
        for (int64_t k = 0; k < 70; ++k) {
          const double a = x.at(t, k), b = weight[n * 70 + k];
          sum += a * b;
          // Half a unit of the last of three bits, or of the smallest numbers.
          const double a_error = std::max(std::abs(a) / 16, x_largest / 448 / 1024);
          const double b_error = std::max(std::abs(b) / 16, w_largest / 448 / 1024);
          error += a_error * std::abs(b) + b_error * std::abs(a) + a_error * b_error;
        }
        comparison.Add(out.at(t, n), sum + bias[n], error + 1e-6, t, n);
      }
    }
    EXPECT_TRUE(comparison.Verdict());
    device.context.weights = &device.store;
  });
}

TEST(ProductLibrary, WithoutAnAlgorithmNothingIsDone) {
  DeviceContext device({});
  LibraryContext at(device, 70);
  at.fake.has_algorithms = false;
  const OwnedMatrix x(2, 70, Numbers(1));
  const OwnedWeight weight({20, 70}, DType::kBF16, Numbers(2));
  OwnedMatrix out(2, 20, 4);
  const DeviceMatrix input(device, x), target(device, out);
  EXPECT_FALSE(at.products->Multiply(device, *input, *weight, {}, *target));
  EXPECT_FALSE(at.library->Takes(WeightType::kBF16, 20, 128));
  EXPECT_EQ(at.fake.products, 0);
  const OwnedMatrix before = out;
  target.CopyTo(out);
  EXPECT_EQ(out, before);
}

// F32 weights are split in two by kernels of ours: the library would round them.
TEST(ProductLibrary, F32WeightsAreOurs) {
  DeviceContext device({}, WeightType::kF32);
  LibraryContext at(device, 70);
  const OwnedMatrix x(2, 70, Numbers(1));
  const OwnedWeight weight({20, 70}, DType::kF32, Numbers(2));
  const DeviceMatrix input(device, x), target(device, OwnedMatrix(2, 20, 4));
  EXPECT_FALSE(at.products->Multiply(device, *input, *weight, {}, *target));
}

TEST(ProductLibrary, AFailureIsTheQueues) {
  DeviceContext device({});
  LibraryContext at(device, 70);
  at.fake.outcome = static_cast<lt::Outcome>(13);
  const OwnedMatrix x(2, 70, Numbers(1));
  const OwnedWeight weight({20, 70}, DType::kBF16, Numbers(2));
  const DeviceMatrix input(device, x), target(device, OwnedMatrix(2, 20, 4));
  EXPECT_TRUE(at.products->Multiply(device, *input, *weight, {}, *target));
  const Status status = device.queue.Finish();
  EXPECT_EQ(status.code(), StatusCode::kInternalError);
  EXPECT_NE(status.message().find("returned 13 for 2 rows and a weight of 20 x 70"), std::string::npos)
      << status.message();
}

TEST(ProductLibrary, AnErrorSaysWhereItWasLookedFor) {
  const Result<cuda::LoadedLibrary> none = cuda::LoadProductLibrary("/nowhere/libcublasLt.so.13");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find("/nowhere/libcublasLt.so.13"), std::string::npos) << none.status().message();
  // A library, but not that one.
  const Result<cuda::LoadedLibrary> other = cuda::LoadProductLibrary("libm.so.6");
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.status().message().find("has no cublasLtGetVersion"), std::string::npos) << other.status().message();
}

}  // namespace blip3o::test
