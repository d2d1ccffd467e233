// Pictures → reference tokens and latents, each picture once: the last few are kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/arena.h"
#include "base/status.h"
#include "engine/job.h"
#include "engine/observer.h"
#include "engine/picture_cache.h"
#include "engine/request.h"
#include "model/autoencoder_encoder.h"
#include "model/image_tokenizer.h"
#include "ops/ops.h"
#include "weights/checkpoint.h"

namespace blip3o {

using TokenList = std::vector<int32_t>;   // [N], without offset
using LatentPlanes = std::vector<float>;  // [c, h, w], times the scaling factor

// What the pictures of one request became, in host memory.
struct EncodedPictures {
  std::vector<std::shared_ptr<const TokenList>> reference_tokens;
  std::vector<std::shared_ptr<const LatentPlanes>> reference_latents;
  std::shared_ptr<const LatentPlanes> initial_latents;
};

class ReferenceEncoder {
 public:
  // `checkpoint` must outlive the encoder.
  explicit ReferenceEncoder(const Checkpoint& checkpoint);

  // Bytes of the codebook, which Load keeps, and what Load takes meanwhile. For a checkpoint that has an image
  // tokenizer.
  int64_t codebook_bytes() const;
  HalfNeed MeasureLoad() const;
  void LoadDry(Ops& dry_ops, Arena& arena) const;
  // Computes the codebook, in `arena` for what is needed meanwhile. Once, before the first Encode.
  Status Load(Ops& ops, Arena& arena);

  // Notes what Encode(request) takes, were no picture known. Safe beside Encode.
  void Measure(Ops& dry_ops, Arena& arena, const Request& request) const;

  // Encodes the pictures of a checked request. Several threads may do so at once.
  Status Encode(Ops& ops, Arena& arena, const Request& request, RunObserver& observer, EncodedPictures& encoded);

 private:
  // A picture to encode, and where it goes.
  template <typename T>
  struct Task {
    const Picture* picture;
    std::shared_ptr<const T>* place;
  };
  template <typename T>
  std::vector<Task<T>> Unknown(const std::vector<Task<T>>& tasks, PictureCache<T>& cache);

  template <typename T, typename Compute>
  Status Fill(const std::vector<Task<T>>& tasks, const std::vector<Task<T>>& unknown, int64_t size,
              PictureCache<T>& cache, const Compute& compute);

  Matrix LoadImage(Ops& ops, Arena& arena, const uint8_t* pixels, int64_t side) const;
  Status Tokenize(Ops& ops, Arena& arena, const uint8_t* pixels, Progress& progress, int32_t* host) const;
  Status EncodeLatents(Ops& ops, Arena& arena, const uint8_t* pixels, Progress& progress, float* host) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  ImageTokenizer tokenizer_;
  AutoencoderEncoder encoder_;
  Buffer codebook_memory_;
  Matrix codebook_;   // [codes, d]
  std::mutex mutex_;  // guards the caches
  PictureCache<TokenList> tokens_;
  PictureCache<LatentPlanes> latents_;
};

}  // namespace blip3o
