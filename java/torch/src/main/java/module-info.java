/** Stage values as tensors of LibTorch, and the language model with gradients. */
module dev.blip3o.torch {
  requires transitive dev.blip3o;
  requires transitive org.bytedeco.pytorch;

  exports dev.blip3o.torch;
  exports dev.blip3o.torch.model;
}
