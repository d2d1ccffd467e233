// The few parts of cuBLASLt's interface that we use, as its documentation describes them, so that building needs
// nothing of it. tests/cuda/compiled holds them against its own header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace blip3o::cuda::lt {

using Handle = struct HandleStruct*;

enum Outcome : int { kSuccess = 0, kNotSupported = 15 };
enum DataType : int { kF32 = 0, kBF16 = 14, kE4M3 = 28 };
enum ComputeType : int { kComputeF32 = 68 };
enum Transpose : int32_t { kPlain = 0, kTransposed = 1 };

enum DescriptionField : int {
  kTransposeA = 3,
  kEpilogue = 7,
  kBiasPointer = 8,
  kMultiprocessors = 15,
  kScalePointerA = 17,
  kScalePointerB = 18,
  kBiasType = 26,
  kScaleModeA = 31,
  kScaleModeB = 32,
};
enum EpilogueKind : uint32_t {
  kNoEpilogue = 1,
  kRelu = 2,
  kBias = 4,
  kReluBias = 6,
  kGelu = 32,
  kGeluBias = 36,
};
enum ScaleMode : int32_t { kScalePerRow = 3 };

enum PreferenceField : int {
  kMostWorkspace = 1,
  kReductions = 3,
  kAlignmentA = 5,
  kAlignmentB = 6,
  kAlignmentC = 7,
  kAlignmentD = 8,
};
enum AlgorithmField : int { kSplitK = 2, kReduction = 3 };
enum ReductionMask : uint32_t { kNoReduction = 0 };

struct Layout {
  uint64_t data[8];
};
struct Description {
  uint64_t data[32];
};
struct Preference {
  uint64_t data[8];
};
struct Algorithm {
  uint64_t data[8];
};
struct Choice {
  Algorithm algorithm;
  size_t workspace_bytes;
  Outcome state;
  float waves;
  int reserved[4];
};

// One pointer for each entry point, by its name in the library.
struct Functions {
  size_t (*cublasLtGetVersion)();
  Outcome (*cublasLtCreate)(Handle*);
  Outcome (*cublasLtDestroy)(Handle);
  Outcome (*cublasLtMatrixLayoutInit_internal)(Layout*, size_t, DataType, uint64_t rows, uint64_t cols, int64_t stride);
  Outcome (*cublasLtMatmulDescInit_internal)(Description*, size_t, ComputeType, DataType scale);
  Outcome (*cublasLtMatmulDescSetAttribute)(Description*, DescriptionField, const void*, size_t);
  Outcome (*cublasLtMatmulPreferenceInit_internal)(Preference*, size_t);
  Outcome (*cublasLtMatmulPreferenceSetAttribute)(Preference*, PreferenceField, const void*, size_t);
  Outcome (*cublasLtMatmulAlgoGetHeuristic)(Handle, Description*, Layout* a, Layout* b, Layout* c, Layout* d,
                                            Preference*, int wanted, Choice* choices, int* found);
  Outcome (*cublasLtMatmulAlgoCheck)(Handle, Description*, Layout* a, Layout* b, Layout* c, Layout* d, const Algorithm*,
                                     Choice* choice);
  Outcome (*cublasLtMatmulAlgoConfigGetAttribute)(const Algorithm*, AlgorithmField, void*, size_t, size_t* written);
  Outcome (*cublasLtMatmul)(Handle, Description*, const void* alpha, const void* a, Layout*, const void* b, Layout*,
                            const void* beta, const void* c, Layout*, void* d, Layout*, const Algorithm*,
                            void* workspace, size_t workspace_bytes, void* stream);
};

// Calls f(name, pointer) for each of them.
template <typename F>
void ForEachFunction(Functions& functions, const F& f) {
  f("cublasLtGetVersion", functions.cublasLtGetVersion);
  f("cublasLtCreate", functions.cublasLtCreate);
  f("cublasLtDestroy", functions.cublasLtDestroy);
  f("cublasLtMatrixLayoutInit_internal", functions.cublasLtMatrixLayoutInit_internal);
  f("cublasLtMatmulDescInit_internal", functions.cublasLtMatmulDescInit_internal);
  f("cublasLtMatmulDescSetAttribute", functions.cublasLtMatmulDescSetAttribute);
  f("cublasLtMatmulPreferenceInit_internal", functions.cublasLtMatmulPreferenceInit_internal);
  f("cublasLtMatmulPreferenceSetAttribute", functions.cublasLtMatmulPreferenceSetAttribute);
  f("cublasLtMatmulAlgoGetHeuristic", functions.cublasLtMatmulAlgoGetHeuristic);
  f("cublasLtMatmulAlgoCheck", functions.cublasLtMatmulAlgoCheck);
  f("cublasLtMatmulAlgoConfigGetAttribute", functions.cublasLtMatmulAlgoConfigGetAttribute);
  f("cublasLtMatmul", functions.cublasLtMatmul);
}

}  // namespace blip3o::cuda::lt
