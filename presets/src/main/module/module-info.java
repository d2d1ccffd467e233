/** The C interface of the runtime as Java sees it: generated, raw, for {@code dev.blip3o} only. */
module dev.blip3o.bindings {
  requires transitive org.bytedeco.javacpp;

  exports dev.blip3o.bindings;
  exports dev.blip3o.presets;
}
