#include "ops/cuda/product_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "ops/cuda/launch.h"
#include "ops/cuda/product_operands.h"

namespace blip3o::cuda {

namespace {

constexpr int kChoices = 16;         // looked through for one that has one order of sums
constexpr uint32_t kAlignment = 16;  // of every operand and its rows
constexpr int64_t kScratchAlignment = 256;

lt::DataType DataTypeOf(WeightType type) { return type == WeightType::kBF16 ? lt::kBF16 : lt::kE4M3; }

// What one call multiplies. The library's matrices are column-major: it computes outᵀ = weight · xᵀ, A is the weight's
// rows as columns, B the rows of x as columns, C the residual's and D the result's.
struct Call {
  WeightType type = WeightType::kBF16;
  int64_t cols = 0;   // N
  int64_t depth = 0;  // K with its padding
  int64_t rows = 0;   // of x
  lt::EpilogueKind epilogue = lt::kNoEpilogue;
  int64_t added_stride = 0;  // C
  int64_t out_stride = 0;    // D
  bool operator<(const Call& o) const {
    return std::tie(type, cols, depth, rows, epilogue, added_stride, out_stride) <
           std::tie(o.type, o.cols, o.depth, o.rows, o.epilogue, o.added_stride, o.out_stride);
  }
};

// The library's words for a call.
class Words {
 public:
  Words(const lt::Functions& f, const Call& call) : f_(f) {
    const auto n = static_cast<uint64_t>(call.cols), k = static_cast<uint64_t>(call.depth),
               t = static_cast<uint64_t>(call.rows);
    const lt::DataType type = DataTypeOf(call.type);
    Try(f.cublasLtMatmulDescInit_internal(&description, sizeof(description), lt::kComputeF32, lt::kF32));
    Try(f.cublasLtMatrixLayoutInit_internal(&a, sizeof(a), type, k, n, call.depth));
    Try(f.cublasLtMatrixLayoutInit_internal(&b, sizeof(b), type, k, t, call.depth));
    Try(f.cublasLtMatrixLayoutInit_internal(&c, sizeof(c), lt::kF32, n, t, call.added_stride));
    Try(f.cublasLtMatrixLayoutInit_internal(&d, sizeof(d), lt::kF32, n, t, call.out_stride));
    Set(lt::kTransposeA, lt::kTransposed);
    Set(lt::kEpilogue, call.epilogue);
    if (call.type == WeightType::kE4M3) {
      Set(lt::kScaleModeA, lt::kScalePerRow);
      Set(lt::kScaleModeB, lt::kScalePerRow);
    }
  }

  template <typename T>
  void Set(lt::DescriptionField field, T value) {
    Try(f_.cublasLtMatmulDescSetAttribute(&description, field, &value, sizeof(value)));
  }
  bool ok() const { return outcome_ == lt::kSuccess; }

  lt::Description description = {};
  lt::Layout a = {}, b = {}, c = {}, d = {};

 private:
  void Try(lt::Outcome outcome) {
    if (ok()) outcome_ = outcome;
  }

  const lt::Functions& f_;
  lt::Outcome outcome_ = lt::kSuccess;
};

// Where nothing but whether there is a product counts, an operand that nobody reads.
const float* Somewhere() { return reinterpret_cast<const float*>(kScratchAlignment); }

bool IsAligned(const float* data, int64_t stride) {
  return reinterpret_cast<uintptr_t>(data) % kAlignment == 0 && stride % 4 == 0;
}

// The part of an epilogue that the library does itself; the rest is a kernel of ours.
lt::EpilogueKind KindOf(const DeviceEpilogue& e) {
  const bool bias = e.bias != nullptr;
  switch (e.activation) {
    case Activation::kNone:
      return bias ? lt::kBias : lt::kNoEpilogue;
    case Activation::kRelu:
      return bias ? lt::kReluBias : lt::kRelu;
    case Activation::kGeluTanh:
      return bias ? lt::kGeluBias : lt::kGelu;
    default:
      return lt::kNoEpilogue;
  }
}

// The library adds the residual before the activation: only where there is none is that ours.
bool TakesWhole(const DeviceEpilogue& e) {
  const bool plain = e.activation == Activation::kNone;
  const bool known = plain || e.activation == Activation::kRelu || e.activation == Activation::kGeluTanh;
  return known && e.gate == nullptr && (e.residual == nullptr || plain);
}

class LibraryProducts final : public Products {
 public:
  LibraryProducts(std::shared_ptr<ProductLibrary> library, Queue& queue, std::function<void*()> stream)
      : library_(std::move(library)), queue_(queue), stream_(std::move(stream)) {}

  std::string name() const override { return library_->name(); }

  static int64_t BytesFor(const Capacity& capacity) {
    if (capacity.product_depth == 0) return 0;
    return OperandBytes(WeightType::kBF16, RoundUp(capacity.product_depth, kDepthMultiple)) +
           ResultBytes(capacity.product_depth);
  }
  int64_t ScratchBytes(const Capacity& capacity) const override { return BytesFor(capacity); }

  bool Multiply(Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue,
                const Matrix& out) override {
    const DeviceWeight w = context.weights->Rows(queue_, weight);
    if (w.data == nullptr) return true;  // the queue has failed
    if (w.type != WeightType::kBF16 && w.type != WeightType::kE4M3) return false;
    const lt::Algorithm* algorithm = library_->AlgorithmOf(w.type, w.rows, w.stride);
    if (algorithm == nullptr) return false;
    DeviceEpilogue e;
    e.bias = context.weights->Vector(queue_, epilogue.bias);
    e.activation = epilogue.activation;
    e.gate = epilogue.gate.data;
    e.gate_stride = epilogue.gate.rows > 1 ? epilogue.gate.stride : 0;
    e.residual = epilogue.residual.data;
    e.residual_stride = epilogue.residual.stride;
    for (int64_t row = 0; row < x.rows && queue_.ok();) {
      const int64_t count = std::min(x.rows - row, RowsAtOnce(context, w));
      MultiplyRows(context, x.Rows(row, count), w, *algorithm, e, out.Rows(row, count));
      if (e.gate_stride != 0) e.gate += count * e.gate_stride;
      if (e.residual != nullptr) e.residual += count * e.residual_stride;
      row += count;
    }
    return true;
  }

 private:
  static constexpr int64_t kDepthMultiple = 64;

  static int64_t OperandBytes(WeightType type, int64_t depth) {
    const int64_t bytes = type == WeightType::kBF16 ? 2 * depth : depth + static_cast<int64_t>(sizeof(float));
    return RoundUp(ProductLibrary::kRows * bytes, kScratchAlignment);
  }
  static int64_t ResultBytes(int64_t cols) { return ProductLibrary::kRows * RoundUp(cols, 4) * 4; }
  static float* ResultOf(Context& context, const DeviceWeight& w) {
    return reinterpret_cast<float*>(context.Scratch<char>() + OperandBytes(w.type, w.stride));
  }
  // As many as the scratch memory holds results of.
  static int64_t RowsAtOnce(Context& context, const DeviceWeight& w) {
    const int64_t room = context.scratch.size_bytes() - OperandBytes(w.type, w.stride);
    const int64_t rows = std::min(ProductLibrary::kRows, room / (RoundUp(w.rows, 4) * 4));
    assert(rows > 0);
    return rows;
  }

  void MultiplyRows(Context& context, const Matrix& x, const DeviceWeight& w, const lt::Algorithm& algorithm,
                    const DeviceEpilogue& e, const Matrix& out) {
    const float* scales = PackOperand(context, x, w);
    const bool aligned = IsAligned(out.data, out.stride) && IsAligned(e.residual, e.residual_stride);
    Call call = {w.type, w.rows, w.stride, x.rows, KindOf(e), out.stride, out.stride};
    if (e.residual != nullptr) call.added_stride = e.residual_stride;
    // 8-bit products take a bias of another type than ours.
    if (w.type == WeightType::kBF16 && aligned && TakesWhole(e) && IsFit(call, algorithm)) {
      return Run(context, call, w, scales, algorithm, e, out);
    }

    // The product alone, where the epilogue finds it: in `out`, unless that is read as the residual.
    const bool apart = !aligned || e.residual == out.data;
    const int64_t stride = RoundUp(w.rows, 4);
    const Matrix product = apart ? Matrix{ResultOf(context, w), x.rows, w.rows, stride} : out;
    call.epilogue = lt::kNoEpilogue;
    call.added_stride = call.out_stride = product.stride;
    if (!IsFit(call, algorithm)) {
      return queue_.Fail(
          InternalError(fmt::format("cuBLASLt's algorithm for {} x {} takes no {} rows", w.rows, w.cols, x.rows)));
    }
    Run(context, call, w, scales, algorithm, {}, product);
    ApplyEpilogue(context, product, e, out);
  }

  // x as the weight's type at the scratch memory's start, and behind it, for 8 bits, a scale for each row.
  const float* PackOperand(Context& context, const Matrix& x, const DeviceWeight& w) {
    if (w.type == WeightType::kBF16) {
      RoundRows(context, x, w.stride, context.Scratch<uint16_t>());
      return nullptr;
    }
    float* scales = reinterpret_cast<float*>(context.Scratch<char>() + ProductLibrary::kRows * w.stride);
    QuantizeRows(context, x, w.stride, context.Scratch<uint8_t>(), scales);
    return scales;
  }

  // Whether the weight's algorithm can do this call.
  bool IsFit(const Call& call, const lt::Algorithm& algorithm) {
    const auto [entry, is_new] = fits_.try_emplace(call, false);
    if (!is_new) return entry->second;
    const lt::Functions& f = library_->functions();
    Words words(f, call);
    SetPointers(words, call, Somewhere(), Somewhere(), Somewhere());
    lt::Choice choice = {};
    entry->second = words.ok() &&
                    f.cublasLtMatmulAlgoCheck(library_->handle(), &words.description, &words.a, &words.b, &words.c,
                                              &words.d, &algorithm, &choice) == lt::kSuccess &&
                    choice.workspace_bytes == 0;
    return entry->second;
  }

  static void SetPointers(Words& words, const Call& call, const float* bias, const float* weight_scales,
                          const float* row_scales) {
    if ((call.epilogue & lt::kBias) != 0) {
      words.Set(lt::kBiasPointer, static_cast<const void*>(bias));
      words.Set(lt::kBiasType, static_cast<int32_t>(lt::kF32));
    }
    if (call.type == WeightType::kE4M3) {
      words.Set(lt::kScalePointerA, static_cast<const void*>(weight_scales));
      words.Set(lt::kScalePointerB, static_cast<const void*>(row_scales));
    }
  }

  void Run(Context& context, const Call& call, const DeviceWeight& w, const float* row_scales,
           const lt::Algorithm& algorithm, const DeviceEpilogue& e, const Matrix& out) {
    if (!queue_.ok()) return;
    const lt::Functions& f = library_->functions();
    Words words(f, call);
    SetPointers(words, call, e.bias, w.scales, row_scales);
    words.Set(lt::kMultiprocessors, static_cast<int32_t>(queue_.limits().multiprocessors));
    const float one = 1.0f, added = e.residual != nullptr ? 1.0f : 0.0f;
    const float* c = e.residual != nullptr ? e.residual : out.data;
    void* stream = stream_();
    const lt::Outcome outcome =
        !words.ok()
            ? lt::kNotSupported
            : f.cublasLtMatmul(library_->handle(), &words.description, &one, w.data, &words.a, context.Scratch<char>(),
                               &words.b, &added, c, &words.c, out.data, &words.d, &algorithm, nullptr, 0, stream);
    if (outcome != lt::kSuccess) {
      queue_.Fail(InternalError(fmt::format("cublasLtMatmul returned {} for {} rows and a weight of {} x {}",
                                            static_cast<int>(outcome), call.rows, w.rows, w.cols)));
    }
  }

  const std::shared_ptr<ProductLibrary> library_;
  Queue& queue_;
  const std::function<void*()> stream_;
  std::map<Call, bool> fits_;
};

}  // namespace

ProductLibrary::ProductLibrary(const LoadedLibrary& library)
    : library_(library),
      name_(fmt::format("cuBLASLt {}.{}.{}", library.version / 10000, library.version / 100 % 100,
                        library.version % 100)) {}

Result<std::shared_ptr<ProductLibrary>> ProductLibrary::Create(const LoadedLibrary& library) {
  std::shared_ptr<ProductLibrary> created(new ProductLibrary(library));
  const lt::Outcome outcome = library.functions.cublasLtCreate(&created->handle_);
  if (outcome == lt::kSuccess) return created;
  created->handle_ = nullptr;
  return Unsupported(fmt::format("cublasLtCreate of {} returned {}", library.path, static_cast<int>(outcome)));
}

ProductLibrary::~ProductLibrary() {
  if (handle_ != nullptr) library_.functions.cublasLtDestroy(handle_);
}

const lt::Algorithm* ProductLibrary::AlgorithmOf(WeightType type, int64_t rows, int64_t depth) {
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = algorithms_.try_emplace({type, rows, depth});
  if (is_new) entry->second = Choose(type, rows, depth);
  return entry->second.get();
}

std::unique_ptr<lt::Algorithm> ProductLibrary::Choose(WeightType type, int64_t rows, int64_t depth) const {
  const lt::Functions& f = library_.functions;
  const int64_t stride = RoundUp(rows, 4);
  Words words(f, {type, rows, depth, kRows, lt::kNoEpilogue, stride, stride});
  if (type == WeightType::kE4M3) {
    words.Set(lt::kScalePointerA, static_cast<const void*>(Somewhere()));
    words.Set(lt::kScalePointerB, static_cast<const void*>(Somewhere()));
  }
  lt::Preference preference = {};
  bool good = words.ok() && f.cublasLtMatmulPreferenceInit_internal(&preference, sizeof(preference)) == lt::kSuccess;
  const auto prefer = [&](lt::PreferenceField field, auto value) {
    good = good && f.cublasLtMatmulPreferenceSetAttribute(&preference, field, &value, sizeof(value)) == lt::kSuccess;
  };
  prefer(lt::kMostWorkspace, uint64_t{0});
  prefer(lt::kReductions, uint32_t{lt::kNoReduction});
  for (const lt::PreferenceField field : {lt::kAlignmentA, lt::kAlignmentB, lt::kAlignmentC, lt::kAlignmentD}) {
    prefer(field, kAlignment);
  }
  std::array<lt::Choice, kChoices> choices = {};
  int found = 0;
  good = good && f.cublasLtMatmulAlgoGetHeuristic(handle_, &words.description, &words.a, &words.b, &words.c, &words.d,
                                                  &preference, kChoices, choices.data(), &found) == lt::kSuccess;
  for (int i = 0; good && i < found; ++i) {
    const lt::Choice& choice = choices[static_cast<size_t>(i)];
    if (choice.state != lt::kSuccess || choice.workspace_bytes != 0) continue;
    int32_t split = 1;
    uint32_t reduction = lt::kNoReduction;
    size_t written = 0;
    f.cublasLtMatmulAlgoConfigGetAttribute(&choice.algorithm, lt::kSplitK, &split, sizeof(split), &written);
    f.cublasLtMatmulAlgoConfigGetAttribute(&choice.algorithm, lt::kReduction, &reduction, sizeof(reduction), &written);
    if (split <= 1 && reduction == lt::kNoReduction) return std::make_unique<lt::Algorithm>(choice.algorithm);
  }
  return nullptr;
}

int64_t ProductLibrary::ScratchBytes(const Capacity& capacity) { return LibraryProducts::BytesFor(capacity); }

std::unique_ptr<Products> MakeProducts(std::shared_ptr<ProductLibrary> library, Queue& queue,
                                       std::function<void*()> stream) {
  return std::make_unique<LibraryProducts>(std::move(library), queue, std::move(stream));
}

}  // namespace blip3o::cuda
