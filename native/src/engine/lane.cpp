#include "engine/lane.h"

#include <algorithm>

namespace blip3o {

Status Lane::Provide(const HalfNeed& need, int64_t granted_bytes, MemoryAccount& account) {
  HalfNeed next{std::max(has.workspace_bytes, need.workspace_bytes), Larger(has.capacity, need.capacity)};
  if (next == has) return {};
  holding = Holding();
  const auto bytes = [&] { return next.workspace_bytes + ops->ScratchBytes(next.capacity); };
  if (bytes() > granted_bytes) {
    // What it has is for work of another shape.
    Release();
    next = need;
  }
  if (next.workspace_bytes > workspace.size_bytes()) {
    workspace = Buffer();
    has.workspace_bytes = 0;
    BLIP3O_ASSIGN_OR_RETURN(workspace, ops->Allocate(next.workspace_bytes));
  }
  BLIP3O_RETURN_IF_ERROR(ops->Reserve(next.capacity));
  has = next;
  holding = Holding(account, bytes());
  return {};
}

void Lane::SetBusy(bool now) {
  if (busy_ == now) return;
  busy_ = now;
  if (now) {
    ops->BeginWork();
  } else {
    ops->EndWork();
  }
}

void Lane::Release() {
  workspace = Buffer();
  if (ops != nullptr) ops->Release();
  has = {};
  holding = Holding();
}

Demand DemandOf(const Ops& ops, const MemoryNeed& need) {
  const auto bytes = [&](const HalfNeed& half) { return half.workspace_bytes + ops.ScratchBytes(half.capacity); };
  Demand demand;
  demand.slab_bytes = need.slab_bytes;
  demand.language_bytes = bytes(need.language);
  demand.picture_bytes = bytes(need.picture);
  return demand;
}

}  // namespace blip3o
