// The panel products of oneDNN: one compiled primitive a shape.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <dnnl.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/tensor.h"
#include "ops/cpu/panel_product.h"

// From the OpenMP library that oneDNN is built with.
extern "C" void omp_set_num_threads(int threads);

namespace blip3o::cpu {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

Status Failed(const char* what, const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory) return OutOfMemory(fmt::format("oneDNN found no memory for {}", what));
  return InternalError(fmt::format("oneDNN could not compile {}: {}", what, error.what()));
}

size_t Mix(size_t hash, int64_t value) {
  return (hash ^ static_cast<size_t>(value)) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

struct ProductHash {
  size_t operator()(const ProductShape& s) const {
    size_t hash = s.accumulate + 2 * s.bf16;
    for (int64_t value : {s.m, s.n, s.k, s.lda}) hash = Mix(hash, value);
    return hash;
  }
};

// Scratch memory of each worker, as large as the neediest primitive says.
class Scratchpads {
 public:
  explicit Scratchpads(int workers) : buffers_(static_cast<size_t>(workers)) {}

  Status Reserve(int64_t size_bytes) {
    for (Buffer& buffer : buffers_) {
      if (buffer.size_bytes() >= size_bytes) continue;
      BLIP3O_ASSIGN_OR_RETURN(buffer, Buffer::Allocate(size_bytes));
    }
    return {};
  }
  void* Of(int worker) const { return buffers_[static_cast<size_t>(worker)].data(); }
  int workers() const { return static_cast<int>(buffers_.size()); }

 private:
  std::vector<Buffer> buffers_;
};

// A primitive with one set of memory objects for each worker: running it sets their pointers and allocates nothing.
class CompiledProduct final : public PanelProduct {
 public:
  CompiledProduct(const dnnl::primitive& primitive, const dnnl::engine& engine, const dnnl::stream& stream,
                  const std::array<memory::desc, 4>& descriptors, const Scratchpads& scratchpads)
      : primitive_(primitive), stream_(stream), scratchpads_(scratchpads) {
    for (int worker = 0; worker < scratchpads.workers(); ++worker) {
      Arguments arguments;
      for (size_t i = 0; i < descriptors.size(); ++i) {
        arguments[i] = memory(descriptors[i], engine, DNNL_MEMORY_NONE);
      }
      workers_.push_back(std::move(arguments));
    }
  }

  bool Run(int worker, const void* src, const void* weights, void* dst) const override {
    const Arguments& arguments = workers_[static_cast<size_t>(worker)];
    const std::array<void*, 4> pointers = {const_cast<void*>(src), const_cast<void*>(weights), dst,
                                           scratchpads_.Of(worker)};
    constexpr std::array<int, 4> kNames = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    std::array<dnnl_exec_arg_t, 4> list;
    for (size_t i = 0; i < list.size(); ++i) {
      list[i] = {kNames[i], arguments[i].get()};
      if (dnnl_memory_set_data_handle(arguments[i].get(), pointers[i]) != dnnl_success) return false;
    }
    return dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(list.size()), list.data()) ==
           dnnl_success;
  }

 private:
  using Arguments = std::array<memory, 4>;  // src, weights, dst, scratchpad

  dnnl::primitive primitive_;
  dnnl::stream stream_;
  const Scratchpads& scratchpads_;
  std::vector<Arguments> workers_;
};

}  // namespace

struct PanelProducts::State {
  explicit State(int workers) : engine(dnnl::engine::kind::cpu, 0), stream(engine), scratchpads(workers) {}

  dnnl::engine engine;
  dnnl::stream stream;  // in order and stateless on a processor: the workers share it
  Scratchpads scratchpads;
  std::unordered_map<ProductShape, std::unique_ptr<PanelProduct>, ProductHash> products;

  static dnnl::primitive_attr Attributes() {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
  }

  template <typename Description>
  Result<std::unique_ptr<PanelProduct>> Finish(const Description& description, const dnnl::primitive& primitive) {
    const memory::desc scratchpad = description.scratchpad_desc();
    BLIP3O_RETURN_IF_ERROR(scratchpads.Reserve(static_cast<int64_t>(scratchpad.get_size())));
    return std::unique_ptr<PanelProduct>(new CompiledProduct(
        primitive, engine, stream,
        {description.src_desc(), description.weights_desc(), description.dst_desc(), scratchpad}, scratchpads));
  }

  Result<std::unique_ptr<PanelProduct>> Compile(const ProductShape& s) {
    const memory::desc src({s.m, s.k}, s.bf16 ? Type::bf16 : Type::f32, memory::dims{s.lda, 1});
    const memory::desc weights({s.k, s.n}, s.bf16 ? Type::bf16 : Type::f32, s.bf16 ? Tag::BA16a64b2a : Tag::ab);
    const memory::desc dst({s.m, s.n}, Type::f32, Tag::ab);
    dnnl::primitive_attr attributes = Attributes();
    if (s.accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.0f);
      attributes.set_post_ops(sum);
    }
    const dnnl::matmul::primitive_desc description(engine, src, weights, dst, attributes);
    return Finish(description, dnnl::matmul(description));
  }

  Result<const PanelProduct*> Find(const ProductShape& shape) {
    if (const auto found = products.find(shape); found != products.end()) return found->second.get();
    EnterTask();  // a primitive is compiled for the threads of the thread that compiles it
    try {
      BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<PanelProduct> product, Compile(shape));
      return products.emplace(shape, std::move(product)).first->second.get();
    } catch (const dnnl::error& error) {
      return Failed("a matrix product", error);
    }
  }
};

Result<std::unique_ptr<PanelProducts>> PanelProducts::Create(int workers) {
  EnterTask();
  try {
    return std::unique_ptr<PanelProducts>(new PanelProducts(std::make_unique<State>(workers)));
  } catch (const dnnl::error& error) {
    return Failed("its engine", error);
  }
}

PanelProducts::PanelProducts(std::unique_ptr<State> state) : state_(std::move(state)) {}

PanelProducts::~PanelProducts() = default;

Result<const PanelProduct*> PanelProducts::Find(const ProductShape& shape) { return state_->Find(shape); }

void PanelProducts::EnterTask() { omp_set_num_threads(1); }

}  // namespace blip3o::cpu
