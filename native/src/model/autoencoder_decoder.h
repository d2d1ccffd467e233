// DC-AE's decoder: latents → image.
//
// Source: diffusers: autoencoders/autoencoder_dc.py: Decoder.
//
// The finest stage, with the output behind it, runs in bands of rows where its map would be large: each band is
// computed with as many rows above and below as its convolutions see, so that its pixels have the bytes of the whole.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/arena.h"
#include "model/autoencoder_blocks.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

class AutoencoderDecoder {
 public:
  // What a map of the finest stage may take. DC-AE at 1024² then has bands of 104 rows, with 8 more above and below.
  static constexpr int64_t kMostMapBytes = 64 << 20;

  // Both must outlive the model.
  AutoencoderDecoder(const AutoencoderConfig& config, const AutoencoderDecoderWeights& weights,
                     int64_t most_map_bytes = kMostMapBytes)
      : config_(config), weights_(weights), most_map_bytes_(most_map_bytes) {}

  // How many parts Decode reports for latents of this size.
  int Parts(int64_t height, int64_t width) const;

  // image [height·s · width·s, 3] from latents [height·width, c], scaling_factor already divided out; s = 2^samplers.
  // Reports the input, each block and the output to `progress`, which may stop it; what is done in bands for each of
  // them.
  Status Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width, Progress& progress,
                const Matrix& image) const;

 private:
  // A stage that has a map.
  struct Level {
    size_t stage;
    Grid grid;
  };
  // Rows of the finest map.
  struct Band {
    int64_t first, end;  // whose pixels it makes
    int64_t from, to;    // that are computed for them
  };

  // From the deepest up.
  std::vector<Level> LevelsOf(int64_t height, int64_t width) const;
  // None: the finest stage runs whole.
  std::vector<Band> BandsOf(const std::vector<Level>& levels) const;

  // The map of the deepest stage.
  void Input(Ops& ops, const Matrix& latents, const AutoencoderMap& out) const;
  // The up-sampler of one stage, with its shortcut: [grid, Cin] → [2·grid, Cout].
  void Upsample(Ops& ops, Arena& arena, const ConvWeights& weights, const AutoencoderMap& in, bool shortcut,
                const AutoencoderMap& out) const;
  // The finest stage and the output in one band, from the map before it.
  Status DecodeBand(Ops& ops, Arena& arena, const Level& level, const Band& band, const AutoencoderMap& in,
                    const std::function<Status()>& advance, const Matrix& image) const;
  void Output(Ops& ops, Arena& arena, const AutoencoderMap& map, const Matrix& image) const;
  // Pixels a side of what Output makes of one place of the finest map.
  int64_t OutputScale() const { return config_.decoder.stages.front().layers > 0 ? 1 : 2; }

  const AutoencoderConfig& config_;
  const AutoencoderDecoderWeights& weights_;
  const int64_t most_map_bytes_;
};

}  // namespace blip3o
