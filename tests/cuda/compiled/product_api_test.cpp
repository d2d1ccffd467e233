// Our declarations of cuBLASLt against its own header, and its own file against them.
#include <cublasLt.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <type_traits>

#include "ops/cuda/product_library.h"

namespace blip3o::cuda {
namespace {

// ---- Numbers and sizes
// ------------------------------------------------------------------------------------------------

template <typename A, typename B>
constexpr bool Same(A ours, B theirs) {
  return static_cast<int64_t>(ours) == static_cast<int64_t>(theirs);
}

static_assert(Same(lt::kSuccess, CUBLAS_STATUS_SUCCESS));
static_assert(Same(lt::kNotSupported, CUBLAS_STATUS_NOT_SUPPORTED));
static_assert(Same(lt::kF32, CUDA_R_32F));
static_assert(Same(lt::kBF16, CUDA_R_16BF));
static_assert(Same(lt::kE4M3, CUDA_R_8F_E4M3));
static_assert(Same(lt::kComputeF32, CUBLAS_COMPUTE_32F));
static_assert(Same(lt::kPlain, CUBLAS_OP_N));
static_assert(Same(lt::kTransposed, CUBLAS_OP_T));
static_assert(Same(lt::kTransposeA, CUBLASLT_MATMUL_DESC_TRANSA));
static_assert(Same(lt::kEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE));
static_assert(Same(lt::kBiasPointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER));
static_assert(Same(lt::kBiasType, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE));
static_assert(Same(lt::kMultiprocessors, CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET));
static_assert(Same(lt::kScalePointerA, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER));
static_assert(Same(lt::kScalePointerB, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER));
static_assert(Same(lt::kScaleModeA, CUBLASLT_MATMUL_DESC_A_SCALE_MODE));
static_assert(Same(lt::kScaleModeB, CUBLASLT_MATMUL_DESC_B_SCALE_MODE));
static_assert(Same(lt::kScalePerRow, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F));
static_assert(Same(lt::kNoEpilogue, CUBLASLT_EPILOGUE_DEFAULT));
static_assert(Same(lt::kRelu, CUBLASLT_EPILOGUE_RELU));
static_assert(Same(lt::kBias, CUBLASLT_EPILOGUE_BIAS));
static_assert(Same(lt::kReluBias, CUBLASLT_EPILOGUE_RELU_BIAS));
static_assert(Same(lt::kGelu, CUBLASLT_EPILOGUE_GELU));
static_assert(Same(lt::kGeluBias, CUBLASLT_EPILOGUE_GELU_BIAS));
static_assert(Same(lt::kMostWorkspace, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES));
static_assert(Same(lt::kReductions, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK));
static_assert(Same(lt::kAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES));
static_assert(Same(lt::kAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES));
static_assert(Same(lt::kAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES));
static_assert(Same(lt::kAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES));
static_assert(Same(lt::kSplitK, CUBLASLT_ALGO_CONFIG_SPLITK_NUM));
static_assert(Same(lt::kReduction, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME));
static_assert(Same(lt::kNoReduction, CUBLASLT_REDUCTION_SCHEME_NONE));

static_assert(sizeof(lt::Layout) == sizeof(cublasLtMatrixLayoutOpaque_t));
static_assert(sizeof(lt::Description) == sizeof(cublasLtMatmulDescOpaque_t));
static_assert(sizeof(lt::Preference) == sizeof(cublasLtMatmulPreferenceOpaque_t));
static_assert(sizeof(lt::Algorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(lt::Choice) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(lt::Choice, algorithm) == offsetof(cublasLtMatmulHeuristicResult_t, algo));
static_assert(offsetof(lt::Choice, workspace_bytes) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(lt::Choice, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(offsetof(lt::Choice, waves) == offsetof(cublasLtMatmulHeuristicResult_t, wavesCount));

// ---- Prototypes
// ---------------------------------------------------------------------------------------------------------

template <typename T>
constexpr bool kIsWhole = std::is_integral_v<T> || std::is_enum_v<T>;

// Whether values of both types are handed over alike: pointers, or whole numbers of one size.
template <typename A, typename B>
constexpr bool kAlike = (std::is_pointer_v<A> && std::is_pointer_v<B>) ||
                        (kIsWhole<A> && kIsWhole<B> && sizeof(A) == sizeof(B));

template <typename Ours, typename Theirs>
struct SameCall : std::false_type {};
template <typename R, typename... A, typename Q, typename... B>
struct SameCall<R (*)(A...), Q(B...)> {
  static constexpr bool Arguments() {
    if constexpr (sizeof...(A) == sizeof...(B)) {
      return kAlike<R, Q> && (kAlike<A, B> && ...);
    } else {
      return false;
    }
  }
  static constexpr bool value = Arguments();
};

#define BLIP3O_SAME(name) static_assert(SameCall<decltype(lt::Functions::name), decltype(::name)>::value, #name)
BLIP3O_SAME(cublasLtGetVersion);
BLIP3O_SAME(cublasLtCreate);
BLIP3O_SAME(cublasLtDestroy);
BLIP3O_SAME(cublasLtMatrixLayoutInit_internal);
BLIP3O_SAME(cublasLtMatmulDescInit_internal);
BLIP3O_SAME(cublasLtMatmulDescSetAttribute);
BLIP3O_SAME(cublasLtMatmulPreferenceInit_internal);
BLIP3O_SAME(cublasLtMatmulPreferenceSetAttribute);
BLIP3O_SAME(cublasLtMatmulAlgoGetHeuristic);
BLIP3O_SAME(cublasLtMatmulAlgoCheck);
BLIP3O_SAME(cublasLtMatmulAlgoConfigGetAttribute);
BLIP3O_SAME(cublasLtMatmul);
// The check itself sees a lacking argument and one of another size.
static_assert(!SameCall<int (*)(int), int(int, int)>::value && !SameCall<int (*)(int), int(size_t)>::value);

// ---- The file
// -----------------------------------------------------------------------------------------------------------

TEST(ProductApi, TheFileHasEveryFunction) {
  for (const std::string& path :
       {std::string(BLIP3O_CUBLAS_LIBRARY), std::filesystem::path(BLIP3O_CUBLAS_LIBRARY).parent_path().string()}) {
    const Result<LoadedLibrary> library = LoadProductLibrary(path);
    ASSERT_TRUE(library.ok()) << library.status().message();
    EXPECT_EQ(library.value().version / 10000, static_cast<size_t>(CUBLAS_VER_MAJOR));
    EXPECT_TRUE(std::filesystem::equivalent(library.value().path, BLIP3O_CUBLAS_LIBRARY)) << library.value().path;
  }
}

// The library's own fields are written where it looks for them: it knows the sizes of what we hand over.
TEST(ProductApi, TheFileTakesOurStructures) {
  const Result<LoadedLibrary> library = LoadProductLibrary(BLIP3O_CUBLAS_LIBRARY);
  ASSERT_TRUE(library.ok());
  const lt::Functions& f = library.value().functions;
  lt::Layout layout = {};
  EXPECT_EQ(f.cublasLtMatrixLayoutInit_internal(&layout, sizeof(layout), lt::kBF16, 64, 32, 64), lt::kSuccess);
  size_t written = 0;
  EXPECT_NE(f.cublasLtMatrixLayoutInit_internal(&layout, sizeof(layout) / 2, lt::kBF16, 64, 32, 64), lt::kSuccess);
  lt::Description description = {};
  EXPECT_EQ(f.cublasLtMatmulDescInit_internal(&description, sizeof(description), lt::kComputeF32, lt::kF32),
            lt::kSuccess);
  const auto set = [&](lt::DescriptionField field, auto value) {
    return f.cublasLtMatmulDescSetAttribute(&description, field, &value, sizeof(value));
  };
  EXPECT_EQ(set(lt::kTransposeA, lt::kTransposed), lt::kSuccess);
  EXPECT_EQ(set(lt::kEpilogue, lt::kGeluBias), lt::kSuccess);
  EXPECT_EQ(set(lt::kBiasPointer, static_cast<const void*>(&layout)), lt::kSuccess);
  EXPECT_EQ(set(lt::kBiasType, static_cast<int32_t>(lt::kF32)), lt::kSuccess);
  EXPECT_EQ(set(lt::kMultiprocessors, int32_t{48}), lt::kSuccess);
  EXPECT_EQ(set(lt::kScaleModeA, lt::kScalePerRow), lt::kSuccess);
  EXPECT_EQ(set(lt::kScaleModeB, lt::kScalePerRow), lt::kSuccess);
  EXPECT_EQ(set(lt::kScalePointerA, static_cast<const void*>(&layout)), lt::kSuccess);
  EXPECT_EQ(set(lt::kScalePointerB, static_cast<const void*>(&layout)), lt::kSuccess);
  EXPECT_NE(set(lt::kTransposeA, char{1}), lt::kSuccess);  // of another size
  lt::Preference preference = {};
  EXPECT_EQ(f.cublasLtMatmulPreferenceInit_internal(&preference, sizeof(preference)), lt::kSuccess);
  const auto prefer = [&](lt::PreferenceField field, auto value) {
    return f.cublasLtMatmulPreferenceSetAttribute(&preference, field, &value, sizeof(value));
  };
  EXPECT_EQ(prefer(lt::kMostWorkspace, uint64_t{0}), lt::kSuccess);
  EXPECT_EQ(prefer(lt::kReductions, uint32_t{lt::kNoReduction}), lt::kSuccess);
  for (const lt::PreferenceField field : {lt::kAlignmentA, lt::kAlignmentB, lt::kAlignmentC, lt::kAlignmentD}) {
    EXPECT_EQ(prefer(field, uint32_t{16}), lt::kSuccess);
  }
  lt::Algorithm algorithm = {};
  int32_t split = 0;
  EXPECT_EQ(f.cublasLtMatmulAlgoConfigGetAttribute(&algorithm, lt::kSplitK, &split, sizeof(split), &written),
            lt::kSuccess);
  EXPECT_EQ(written, sizeof(split));
}

// A machine without a device: an error, no crash. With one: a handle.
TEST(ProductApi, WithoutADeviceThereIsNoHandle) {
  const Result<LoadedLibrary> library = LoadProductLibrary(BLIP3O_CUBLAS_LIBRARY);
  ASSERT_TRUE(library.ok());
  const Result<std::shared_ptr<ProductLibrary>> created = ProductLibrary::Create(library.value());
  if (created.ok()) {
    EXPECT_NE(created.value()->handle(), nullptr);
  } else {
    EXPECT_NE(created.status().message().find("cublasLtCreate of " + library.value().path), std::string::npos);
  }
}

}  // namespace
}  // namespace blip3o::cuda
