// One request on its way: what its pieces of work hand on to each other, in a slab of memory of its own, and what it
// keeps for its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/arena.h"
#include "engine/events.h"
#include "engine/job.h"
#include "engine/language_version.h"
#include "engine/observer.h"
#include "engine/reference_encoder.h"
#include "engine/request.h"
#include "model/diffusion_transformer.h"
#include "model/language_model.h"
#include "ops/ops.h"

namespace blip3o {

// What a piece of work is done with: a lane's backend, and its memory for the time of this piece.
struct Workplace {
  Ops& ops;
  Arena& arena;
  RunObserver& observer;

  // Takes memory of `from` for a dense matrix and fills it from the host.
  Matrix Load(Arena& from, int64_t rows, int64_t cols, const void* host) const;
  // Planes [channels, tokens] of the host as a map [tokens, channels] in memory of `from`.
  Matrix LoadMap(Arena& from, int64_t channels, int64_t tokens, const float* host) const;
};

struct Run {
  // A dry one, to measure.
  explicit Run(const Request& request) : request(request) {}
  // `id`: the request's, no other run's.
  Run(const Request& request, uint64_t id, Buffer memory)
      : request(request), id(id), memory(std::move(memory)), slab(this->memory), dry(false) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const Request& request;
  const uint64_t id = 0;
  const Buffer memory;
  Arena slab;
  const bool dry = true;

  // For the owner.
  Values values;
  Timings timings;
  std::shared_ptr<const Preview> preview;  // of the last step, where one was due

  // References, in host memory.
  bool encoded_pictures = false;
  EncodedPictures encoded;

  // Language half. The version is the checkpoint's own where it is null. The cache's part of the slab is given back
  // with the last token.
  std::shared_ptr<const LanguageVersion> language;
  std::vector<int32_t> sequence;  // what the prefill reads: the prompt with the reference tokens, given tokens behind
  int64_t prefilled = 0;          // positions in the cache, before image tokens
  bool copied_prompt = false;     // from one that was known
  int64_t drawn = 0;              // image tokens
  int64_t drawn_in_round = 0;     // those of the last piece of work
  Matrix hidden_states;           // [N + 1, H]
  std::optional<Arena::Scope> cache_memory;
  LanguageModel::Cache cache;
  int32_t* ids = nullptr;              // the sequence, in the backend's memory
  int32_t* tokens = nullptr;           // [N]
  float* log_probabilities = nullptr;  // [N, 2], where they are wanted

  // Picture half.
  bool conditioned = false;
  DiffusionTransformer::Conditioning conditioning;
  std::vector<float> sigmas;
  int32_t steps_done = 0;
  Matrix latents;  // [h·w, c]
  Matrix noise;    // [h·w, c], where the flow needs it beyond its start
  Matrix initial;  // [h·w, c]
  Matrix mask;     // [h·w, 1]
  bool decoded = false;

  // In a dry run too: what is kept may take memory on its way.
  bool Wants(Value value) const { return request.Keeps(value) || IsResultOfLastStage(value); }

  // Copies a value to the host, where it is wanted. `matrix` is dense.
  void Keep(Ops& ops, Value value, DType dtype, const Shape& shape, const void* data);
  void Keep(Ops& ops, Value value, const Matrix& matrix);
  // A channels-last map [height·width, channels] as planes.
  void KeepPlanes(const Workplace& at, Value value, const Matrix& map, int64_t height, int64_t width);
  // The same of what lies in host memory.
  void KeepHost(Value value, DType dtype, const Shape& shape, const void* data);

 private:
  bool IsResultOfLastStage(Value value) const;
  HostTensor& Place(Value value, DType dtype, const Shape& shape);
};

}  // namespace blip3o
