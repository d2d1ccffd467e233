// What a model takes on a device that need not be there.
#include <set>

#include "ops/backend.h"
#include "ops/cuda/cuda_ops.h"
#include "ops/cuda/product_library.h"
#include "ops/cuda/weight_plan.h"
#include "ops/cuda/weight_store.h"

namespace blip3o {

using cuda::Use;
using cuda::WeightStore;
using cuda::WeightType;

Result<int64_t> CudaWeightBytes(const CudaOptions& options, const std::function<void(Ops&)>& dry_run,
                                const std::vector<View>& e4m3) {
  cuda::WeightPlan plan;
  dry_run(plan);
  std::set<const void*> in_8_bits;
  for (const View& view : e4m3) in_8_bits.insert(view.data);
  std::vector<WeightStore::Wanted> wanted = plan.wanted();
  for (WeightStore::Wanted& w : wanted) {
    if (w.use == Use::kRows && in_8_bits.count(w.view.data) != 0) w.use = Use::kStepRows;
  }
  const WeightStore store(
      {.product = options.exact ? WeightType::kF32 : WeightType::kBF16, .steps_in_8_bits = !options.exact});
  return store.SizeOf(wanted);
}

Result<int64_t> CudaScratchBytes(const CudaOptions& options, const Capacity& capacity) {
  return cuda::ScratchBytes(capacity, options.exact ? 0 : cuda::ProductLibrary::ScratchBytes(capacity));
}

}  // namespace blip3o
