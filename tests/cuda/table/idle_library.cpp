#include "table/idle_library.h"

#include <cstring>

namespace blip3o::table {

namespace lt = cuda::lt;

namespace {

template <typename... Arguments>
lt::Outcome Succeed(Arguments...) {
  return lt::kSuccess;
}

// An algorithm of one split, without a workspace.
lt::Outcome ChooseOne(lt::Handle, lt::Description*, lt::Layout*, lt::Layout*, lt::Layout*, lt::Layout*, lt::Preference*,
                      int, lt::Choice* choices, int* found) {
  choices[0] = {};
  *found = 1;
  return lt::kSuccess;
}

lt::Functions IdleFunctions() {
  lt::Functions f = {};
  f.cublasLtGetVersion = [] { return size_t{130000}; };
  f.cublasLtCreate = [](lt::Handle* handle) {
    *handle = reinterpret_cast<lt::Handle>(uintptr_t{1});
    return lt::kSuccess;
  };
  f.cublasLtDestroy = Succeed;
  f.cublasLtMatrixLayoutInit_internal = Succeed;
  f.cublasLtMatmulDescInit_internal = Succeed;
  f.cublasLtMatmulDescSetAttribute = Succeed;
  f.cublasLtMatmulPreferenceInit_internal = Succeed;
  f.cublasLtMatmulPreferenceSetAttribute = Succeed;
  f.cublasLtMatmulAlgoGetHeuristic = ChooseOne;
  f.cublasLtMatmulAlgoCheck = Succeed;
  f.cublasLtMatmulAlgoConfigGetAttribute = [](const lt::Algorithm*, lt::AlgorithmField, void* value, size_t size,
                                              size_t* written) {
    std::memset(value, 0, size);
    *written = size;
    return lt::kSuccess;
  };
  f.cublasLtMatmul = Succeed;
  return f;
}

}  // namespace

std::shared_ptr<cuda::ProductLibrary> IdleLibrary() {
  return cuda::ProductLibrary::Create({IdleFunctions(), "a library that computes nothing", 130000}).value();
}

}  // namespace blip3o::table
